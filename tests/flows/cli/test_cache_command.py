"""`daylong cache`: listing and pruning."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.cache import parse_age, parse_size
from tasks.errors import UsageError


def run_cache(home: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_"))}
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli.main import main; main()", "cache", *arguments],
        env=clean | given | {"DAYLONG_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def filled_cache(tmp_path: Path) -> Path:
    from tasks.pruning import usage
    from tasks.storage.artifacts import ArtifactStore
    from tests.helpers.cached_results import make_result_key, store_result

    store = ArtifactStore(str(tmp_path / "data" / "cache" / "artifacts"))
    store_result(store, tmp_path, make_result_key("embedding", "a"), bytes(5000), 40)
    store_result(store, tmp_path, make_result_key("linking", "b"), bytes(3000), 3)
    usage.record_usage(
        tmp_path / "data" / "cache" / "recordings", "monday-1f2e3d4c", [make_result_key("linking", "b")]
    )
    return tmp_path


def test_list_has_steps_and_recordings(filled_cache: Path) -> None:
    found = run_cache(filled_cache, "list")
    assert found.returncode == 0, found.stderr
    rows = [line.split() for line in found.stdout.splitlines()]
    assert ["embedding", "1", "5", "kB", "40", "days", "ago"] in rows
    assert ["monday-1f2e3d4c", "1", "3", "kB", "3", "days", "ago"] in rows
    assert "8 kB in all" in found.stdout


def test_prune_reports_what_it_removed(filled_cache: Path) -> None:
    would = run_cache(filled_cache, "prune", "--older-than", "30d", "--dry-run")
    assert would.stdout == "Would remove 1 result of steps, 5 kB.\n", would.stderr
    assert run_cache(filled_cache, "prune", "--older-than", "30d").stdout == "Removed 1 result of steps, 5 kB.\n"
    assert (
        run_cache(filled_cache, "prune", "--recording", "monday-1f2e3d4c").stdout
        == "Removed 1 result of steps, 3 kB.\n"
    )
    assert "0 B in all" in run_cache(filled_cache, "list").stdout


def test_foreign_files_in_the_store_folder_are_kept(tmp_path: Path) -> None:
    nas = tmp_path / "nas"
    for file in (nas / "Documents" / "thesis.docx", nas / "interview-2019.wav"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("years of work")
        os.utime(file, (0, 0))
    for command in (("list",), ("prune", "--older-than", "30d"), ("prune", "--max-size", "0B")):
        found = run_cache(tmp_path / "home", *command, DAYLONG_CACHE__STORE=str(nas))
        assert found.returncode == 0, found.stderr
        assert "0 B" in found.stdout
    assert [p.name for p in sorted(nas.rglob("*.*"))] == ["thesis.docx", "interview-2019.wav"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what may go"),
        (("--older-than", "soon"), "write a number and h, d or w"),
        (("--max-size", "20"), "write a number and B, KB, MB, GB or TB"),
        (("--recording", "nobody"), "the cache knows none"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    found = run_cache(tmp_path, "prune", *arguments)
    assert found.returncode == 2
    assert said in found.stderr
    assert found.stderr.count("\n") == 1


def test_ages_and_sizes() -> None:
    assert parse_age(" 2w ") == 14 * 86_400
    assert parse_size("0.5tb") == 500_000_000_000
    for wrong in ("", "-1d", "1y", "nan"):
        with pytest.raises(UsageError):
            parse_age(wrong)
