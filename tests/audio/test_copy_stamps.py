"""Dates that synchronisers, browsers and backups put into the names of copies are no clocks."""

from __future__ import annotations

import logging
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tasks.audio.copy_stamps import remove_copy_stamps
from tasks.audio.start_time import find_impossible_time, find_start_time, read_time_in_name

UTC = ZoneInfo("UTC")
NOON = 1_772_000_000.0

ADDED = [
    ".sync-conflict-20260302-101500-ABCDEFG",
    ".sync-conflict-20260302-101500",
    "~20260302-101500",
    "_conflict-20260302-101500",
    " (conflicted copy 2026-03-02 101500)",
    " (Anna's conflicted copy 2026-03-02)",
    " (Anna (Laptop)'s conflicted copy 2026-03-02 10-15-00)",
    " (In Konflikt stehende Kopie von Anna 2026-03-02 10.15.00)",
    " (copie en conflit de Anna 2026-03-02 10.15.00)",
    " (Copia in conflitto di Anna 2026-03-02 101500)",
    " (2026-03-02 10-15-00, conflict #1 on desk)",
    " (SFConflict anna@example.org 2026-03-02-10-15-00)",
    " [conflicted 2026-03-02 10-15-00]",
    " conflicted copy 2026-03-02 101500",
    "_DESK_Mar-02-101500-2026_Conflict",
    " - 2026-03-02T101500.123",
    " (2026_03_02 10_15_00 UTC)",
    ".wav 2026-03-02 101500",
]


@pytest.mark.parametrize("added", ADDED)
def test_what_they_add_is_not_when_the_recording_began(
    tmp_path: Path, added: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        at, source = find_start_time({}, tmp_path / f"interview{added}.wav", NOON, 0.0, "UTC")
    assert (at, source) == ("2026-02-25T06:13:20+00:00", "mtime")
    assert caplog.records == []


@pytest.mark.parametrize("added", ADDED)
def test_what_the_recorder_wrote_stays_its_time(added: str) -> None:
    found = read_time_in_name(f"desk_2026-03-01_09-15-00{added}", UTC)
    assert found is not None
    assert found.isoformat() == "2026-03-01T09:15:00+00:00"


@pytest.mark.parametrize("added", ADDED)
def test_nor_is_it_one_for_a_pattern_of_the_users_own(added: str) -> None:
    for pattern in ("%Y%m%d-%H%M%S", "%Y-%m-%d", "%Y_%m_%d"):
        assert read_time_in_name(f"interview{added}", UTC, pattern) is None


@pytest.mark.parametrize("added", [a.replace("03-02", "13-45").replace("0302", "1345") for a in ADDED])
def test_an_impossible_date_in_it_is_not_spoken_of(added: str) -> None:
    assert find_impossible_time(f"interview{added}") is None


@pytest.mark.parametrize("stem", ["takeout-20260302T101500Z-001", "wetransfer_a-wav_2026-03-02_1015"])
def test_names_of_downloads_are_no_times(stem: str) -> None:
    assert read_time_in_name(stem, UTC) is None


@pytest.mark.parametrize(
    "stem",
    [
        "a conflict 2026-03-01 09-15-00",
        "conflict_20260301_091500",
        "team (conflicts) 2026-03-01 09.15.00",
        "2026-03-01 09.15.00 (resolving a conflict)",
        "Meeting-20260301_091500-Meeting Recording",
        "WhatsApp Audio 2026-03-01 at 09.15.00",
        "desk - 2026-03-01 09.15.00",
        "desk-20260301T091500Z-001",
    ],
)
def test_other_names_with_such_words_keep_their_time(stem: str) -> None:
    found = read_time_in_name(stem, UTC)
    assert found is not None
    assert found.isoformat() == "2026-03-01T09:15:00+00:00"


def test_a_name_without_a_date_is_left_as_it_is() -> None:
    assert remove_copy_stamps("interview (2) - Copy") == "interview (2) - Copy"
