"""Profile `standard`, from a hub to a transcript: one on loopback serves the bundled weights under public names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import soundfile

from tasks.weights.catalogue import PINNED
from tests.helpers.model_hub_server import HubFaults, run_model_hub

ROOT = Path(__file__).resolve().parents[3]
PUBLIC = {
    "Systran/faster-whisper-small": "whisper",
    "nvidia/speakerverification_en_titanet_large": "speaker.nemo",
    "adefossez/HTDemucs": "separation",
    "oliverguhr/fullstop-punctuation-multilang-large": "punctuation",
}
SETTINGS = (
    "device=cpu",
    "separation.mode=always",
    "punctuation.mode=always",
    "transcription.max_speech_s=8",
    "transcription.compute_type=float32",
)
HOMES = {"HF_HOME": "hf", "DAYLONG_HOME": ".", "PREFECT_HOME": "prefect"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, demo_models: Path) -> Path:
    """A hub's folder: real weights of every engine, as small as the bundled ones, because that is what they are."""
    root = tmp_path_factory.mktemp("hub")
    for repository, name in PUBLIC.items():
        source, folder = demo_models / name, root / repository
        if source.is_dir():
            shutil.copytree(source, folder)
        else:
            folder.mkdir(parents=True)
            shutil.copy(source, folder / f"{folder.name}.nemo")
        (folder / "weights.pt").write_bytes(b"a pickle that nobody asked for")
    return root


def daylong(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "DAYLONG_", "PREFECT_", "XDG_"))}
    given = [word for setting in SETTINGS for word in ("--set", setting)]
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli.main import main; main()", *arguments, *given],
        env=clean
        | {
            "HF_HOME": str(home / "hf"),
            "DAYLONG_HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        check=False,
    )


def commits(home: Path) -> dict[str, str]:
    """What the cache holds: the commit of each repository."""
    found = (home / "hf" / "hub").glob("models--*/snapshots/*")
    return {p.parent.parent.name.removeprefix("models--").replace("--", "/", 1): p.name for p in found}


def test_a_run_that_lacks_weights_ends_before_any_work_and_names_each(tmp_path: Path) -> None:
    sound = tmp_path / "talk.wav"
    soundfile.write(sound, [0.0] * 16_000, 16_000)
    done = daylong(tmp_path, "run", str(sound), "--out", str(tmp_path / "out"), HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()
    for repository in PUBLIC:
        assert repository in done.stderr
    assert "daylong models fetch --set separation.mode=always" in done.stderr


def test_the_pinned_commits_are_fetched_and_no_others(tmp_path: Path, served: Path) -> None:
    with run_model_hub(served, HubFaults(commits=PINNED)) as endpoint:
        done = daylong(tmp_path, "models", "fetch", HF_ENDPOINT=endpoint)
    assert done.returncode == 0, done.stderr
    assert commits(tmp_path) == {repository: PINNED[repository] for repository in PUBLIC}
    assert not list((tmp_path / "hf").rglob("*.pt"))
    again = daylong(tmp_path, "models", "fetch", HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("already there") == len(PUBLIC)


@pytest.mark.slow
def test_from_a_mirror_with_its_own_commits_to_a_transcript_without_a_network(tmp_path: Path, served: Path) -> None:
    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    with run_model_hub(served) as endpoint:
        fetched = daylong(tmp_path, "models", "fetch", HF_ENDPOINT=endpoint)
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stderr.count("this mirror has no revision") == len(PUBLIC)

    sound, out = tmp_path / "talk.wav", tmp_path / "out"
    soundfile.write(sound, decode(sample(), Span(0.0, 40.0)), 16_000)
    done = daylong(tmp_path, "run", str(sound), "--profile", "standard", "--out", str(out), HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert "SPEAKER_00" in done.stdout

    text = " ".join(p.read_text() for p in out.rglob("*.txt"))
    assert "good morning" in text.lower()
    profile, models = duckdb.sql(
        f"SELECT profile, models::VARCHAR FROM read_parquet('{out}/recordings/**/*.parquet')"
    ).fetchall()[0]
    assert profile == "standard"
    for repository, commit in commits(tmp_path).items():
        assert f"{repository}@{commit}" in models
