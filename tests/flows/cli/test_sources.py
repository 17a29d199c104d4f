"""Finding the recordings that a command line names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.cli.sources import find_recordings, group_recordings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.WAV", "a.mp3", ".hidden.mp3", "notes.txt", "c.m4a.part", "-d.ogg", "sub/e.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    return tmp_path


def test_folder_gives_its_recordings_in_order_of_name(folder: Path) -> None:
    found, errors = find_recordings([str(folder)])
    assert [Path(f).name for f in found] == ["-d.ogg", "a.mp3", "b.WAV"]
    assert errors == []


def test_special_file_named_like_a_recording_is_listed(folder: Path) -> None:
    (folder / "nowhere.wav").symlink_to(folder / "gone")
    (folder / "round.wav").symlink_to(folder / "round.wav")
    os.mkfifo(folder / "pipe.wav")
    found, errors = find_recordings([str(folder)])
    assert {"nowhere.wav", "round.wav", "pipe.wav"} <= {Path(f).name for f in found}
    assert errors == []
    assert find_recordings([str(folder / "nowhere.wav")]) == ([str(folder / "nowhere.wav")], [])


def test_named_file_is_listed_whatever_its_name(folder: Path) -> None:
    assert find_recordings([str(folder / "notes.txt")]) == ([str(folder / "notes.txt")], [])


def test_each_recording_is_listed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found, _ = find_recordings(["a.mp3", "./a.mp3", str(folder), "-d.ogg", "./-d.ogg"])
    assert [Path(f).name for f in found] == ["a.mp3", "-d.ogg", "b.WAV"]
    assert all(Path(f).is_absolute() for f in found)


def test_name_without_recording_is_an_error_beside_the_others(folder: Path) -> None:
    (folder / "empty").mkdir()
    found, errors = find_recordings([str(folder / "none.wav"), str(folder / "empty"), str(folder / "a.mp3")])
    assert [Path(f).name for f in found] == ["a.mp3"]
    missing, empty = map(str, errors)
    assert "none.wav: no such file" in missing
    assert "empty: a folder without recordings" in empty


def test_named_files_are_one_recording_and_each_folder_another(folder: Path) -> None:
    file_names = [str(folder / "sub" / "e.wav"), str(folder / "notes.txt")]
    groups, errors = group_recordings([file_names[0], str(folder), file_names[1]])
    assert [[Path(f).name for f in group] for group in groups] == [
        ["-d.ogg", "a.mp3", "b.WAV"],
        ["e.wav", "notes.txt"],
    ]
    assert errors == []


def test_missing_file_drops_only_its_own_recording(folder: Path) -> None:
    groups, errors = group_recordings([str(folder / "a.mp3"), str(folder / "none.wav"), str(folder)])
    assert len(groups) == 1
    assert [Path(f).name for f in groups[0]] == ["-d.ogg", "a.mp3", "b.WAV"]
    assert "none.wav" in str(errors[0])


def test_pasted_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.process_recording import find_files

    file, odd = tmp_path / "talk.flac", tmp_path / " odd.flac"
    file.touch()
    odd.touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    for pasted in (f"{file}\n", f'"{file}"', f"  '{file}'", "~/talk.flac"):
        assert find_files(pasted, ()) == [str(file)]
    assert find_files(str(odd), ()) == [str(odd)]
    assert find_files(f"{tmp_path}/gone.flac", ()) == [f"{tmp_path}/gone.flac"]
