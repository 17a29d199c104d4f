"""Which recordings a command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli.sources import recordings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.WAV", "a.mp3", ".hidden.mp3", "notes.txt", "c.m4a.part", "-d.ogg", "sub/e.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    return tmp_path


def test_a_folder_stands_for_its_own_recordings_by_name(folder: Path) -> None:
    found, errors = recordings([str(folder)])
    assert [Path(f).name for f in found] == ["-d.ogg", "a.mp3", "b.WAV"]
    assert errors == []


def test_a_named_file_is_tried_whatever_it_is_called(folder: Path) -> None:
    assert recordings([str(folder / "notes.txt")]) == ([str(folder / "notes.txt")], [])


def test_each_recording_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found, _ = recordings(["a.mp3", "./a.mp3", str(folder), "-d.ogg", "./-d.ogg"])
    assert [Path(f).name for f in found] == ["a.mp3", "-d.ogg", "b.WAV"]
    assert all(Path(f).is_absolute() for f in found)


def test_what_gives_no_recording_is_an_error_and_stops_nothing(folder: Path) -> None:
    (folder / "empty").mkdir()
    found, errors = recordings([str(folder / "none.wav"), str(folder / "empty"), str(folder / "a.mp3")])
    assert [Path(f).name for f in found] == ["a.mp3"]
    missing, empty = map(str, errors)
    assert "none.wav: no such file" in missing
    assert "empty: a folder without recordings" in empty
