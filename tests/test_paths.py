"""A path that leads nowhere is refused with what was meant, where that can be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks import paths
from tasks.paths import suggest_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    day = tmp_path / "recordings" / "monday"
    day.mkdir(parents=True)
    for name in ("Meeting 2026-03-01.wav", "lecture.flac", "lecture.txt", "other\n.wav"):
        (day / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("recordings/monday/meeting 2026-03-01.WAV", "recordings/monday/Meeting 2026-03-01.wav"),
        ("recordings/monday/Meeting 2026-03-11.wav", "recordings/monday/Meeting 2026-03-01.wav"),
        ("recordings/monday/lecture.wav", "recordings/monday/lecture.flac"),
        ("recordings/mondya/lecture.flac", "recordings/monday"),
        ("recodings/monday/lecture.flac", "recordings"),
        ("recordings/monday/othr.wav", "recordings/monday/other\\n.wav"),
    ],
)
def test_the_nearest_name_is_told(folder: Path, wrong: str, meant: str) -> None:
    assert suggest_path(folder / wrong) == f"Is it {folder}/{meant}?"


def test_the_folder_that_is_missing_is_told(folder: Path) -> None:
    missing = folder / "disk7"
    assert suggest_path(missing / "a" / "b.wav") == f"There is no folder {missing}. Check the path."


def test_nothing_near_is_nothing_said(folder: Path) -> None:
    assert suggest_path(folder / "recordings" / "monday" / "x.wav") == "Check the name."
    assert suggest_path("/") == suggest_path("a\0b.wav") == "Check the name."


def test_a_name_that_counts_from_here_is_looked_for_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "recordings" / "monday")
    assert suggest_path("Lecture.flac") == f"Is it {folder}/recordings/monday/lecture.flac?"


def test_what_can_not_be_looked_into_is_no_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(paths.os, "scandir", refused)
    assert suggest_path(folder / "recordings" / "mnday") == "Check the name."
