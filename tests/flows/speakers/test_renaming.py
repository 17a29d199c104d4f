"""Republishing after a voice is renamed: beside runs that publish meanwhile, and with unmounted folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.speakers import corrections, republish
from tasks.dataset.publish import publish
from tasks.dataset.read import read_transcript
from tasks.exports import render
from tasks.voices import correct
from tasks.voices.lookup import find_voice
from tests.helpers.sample_voices import make_recording, names_by_label, own_home, publish_with_names, write_noise  # noqa: F401

FORMATS = ("srt",)
MON, TUE = "mon-0a1b2c3d", "tue-0a1b2c3d"


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_noise(tmp_path / "sound.wav")


def rename(store: Path, voice: str, name: str) -> None:
    corrections.enter_corrections(
        store, "rename", lambda registry: ("rename", correct.rename(registry, find_voice(registry, voice), name))
    )


def test_newer_publication_of_another_run_is_kept(
    tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, store = tmp_path / "out", tmp_path / "voices"
    publish_with_names(make_recording("mon", ["Ada", "Bea"], sound=sound), out, store, formats=FORMATS)
    longer = make_recording("mon", ["Ada", "Bea", "Cy"], "run-2", sound=sound)

    def rendered(*args: Any, **kwargs: Any) -> dict[str, str]:
        monkeypatch.setattr(republish, "render", render)
        publish(longer, out, exports=render(longer, FORMATS))  # by a run without voices, which waits for no store
        return render(*args, **kwargs)

    monkeypatch.setattr(republish, "render", rendered)
    rename(store, f"{MON}/SPEAKER_00", "Zoe")
    found = read_transcript(out, MON)
    assert (found.run.run_id, len(found.words)) == ("run-2", len(longer.words))


def test_inaccessible_folder_stays_stale(tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away, here, store = tmp_path / "away", tmp_path / "here", tmp_path / "voices"
    publish_with_names(make_recording("mon", ["Ada", "Bea"], sound=sound), away, store, formats=FORMATS)
    publish_with_names(make_recording("tue", ["Ada", "Bea"], day=1, sound=sound), here, store, formats=FORMATS)
    is_dir = Path.is_dir

    def refused(path: Path) -> bool:
        if path == away:
            raise PermissionError(13, "Permission denied")
        return is_dir(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_dir", refused)
        rename(store, f"{TUE}/SPEAKER_00", "Zoe")
        assert names_by_label(read_transcript(here, TUE))["SPEAKER_00"] == "Zoe"
        publish_with_names(make_recording("wed", ["Cy"], "run-3", day=2, sound=sound), here, store, formats=FORMATS)
    assert names_by_label(read_transcript(away, MON))["SPEAKER_00"] is None
    republish.republish_stale(store)
    assert names_by_label(read_transcript(away, MON))["SPEAKER_00"] == "Zoe"


@pytest.fixture
def open_to_all() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_to_all")
def test_tables_and_registry_are_private_to_owner_and_group(
    tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("DAYLONG_HOME", str(home))
    out, store = home / "data" / "transcripts", home / "data" / "voices"
    publish_with_names(make_recording("mon", ["Ada", "Bea"], sound=sound), out, store, formats=FORMATS)
    for written in [*out.rglob("*.parquet"), *store.rglob("*.parquet")]:
        written.chmod(0o640)
    done = CliRunner().invoke(app, ["speakers", "rename", f"{MON}/SPEAKER_00", "Zoe"])
    assert done.exit_code == 0, done.output
    assert names_by_label(read_transcript(out, MON))["SPEAKER_00"] == "Zoe"
    written = [*out.glob("*/*/*.parquet"), *out.glob("exports/*/*"), *store.rglob("*.parquet")]
    assert {path.name: oct(path.stat().st_mode & 0o007) for path in written} == {path.name: "0o0" for path in written}
