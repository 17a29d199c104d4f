"""Runs that are killed or asked to end, then started again: the same tables and files as of a run left alone.

`make test-faults` does it twenty times, and damages caches and fills disks as well.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cases import Undisturbed, asked_to_end, clip, damaged, engines_killed, killed, small_disk
from tests.faults.commands import Place, completed, exports, records, run_states, tables

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    with clip(60.0) as source:
        yield Undisturbed.of(source, tmp_path_factory.mktemp("undisturbed"))


def test_every_step_of_a_run_left_alone_is_kept_once(undisturbed: Undisturbed) -> None:
    assert len(exports(undisturbed.place)) == 8
    assert set(tables(undisturbed.place)) == {
        "recordings", "segments", "words", "turns", "speakers", "chunks", "quality",
    }  # fmt: skip
    kept = records(undisturbed.place)
    chunks = len(tables(undisturbed.place)["chunks"])
    assert kept["embedding"] == kept["diarization"] == chunks > 1
    assert kept["transcription"] >= chunks  # and what was heard again at a seam
    assert {s: n for s, n in completed(undisturbed.place).items() if s in kept} == kept


@pytest.mark.parametrize("kills", [1, pytest.param(2, marks=pytest.mark.sweep)])
def test_killed_it_loses_nothing_and_does_nothing_twice(undisturbed: Undisturbed, tmp_path: Path, kills: int) -> None:
    found = killed(undisturbed, tmp_path, kills=kills, seed=3)
    assert found.outcome.endswith("then status 0")
    assert found.same
    assert found.redone == 0
    *before, last = run_states(Place.under(tmp_path))
    assert last == "COMPLETED"
    # None stays running for ever. A kill that comes after the flow's end leaves it completed.
    assert set(before) <= {"CRASHED", "COMPLETED"}


def test_asked_to_end_it_goes_in_seconds_and_leaves_nothing_behind(undisturbed: Undisturbed, tmp_path: Path) -> None:
    found = asked_to_end(undisturbed, tmp_path, signal.SIGTERM)
    assert found.outcome.startswith("status 143")
    assert "told how to go on, 0 processes, 0 files left; then status 0" in found.outcome
    assert found.same


def test_the_engines_die_and_the_run_goes_on(undisturbed: Undisturbed, tmp_path: Path) -> None:
    found = engines_killed(undisturbed, tmp_path)
    assert found.outcome == "1 death, status 0"
    assert found.same


@pytest.mark.parametrize("how", ["deleted", "truncated", "swapped"])
def test_a_damaged_cache_is_noticed_and_made_good(undisturbed: Undisturbed, tmp_path: Path, how: str) -> None:
    found = damaged(undisturbed, tmp_path, how)
    assert "said so; status 0" in found.outcome
    assert found.same


def test_a_full_disk_is_told_and_forgotten_once_there_is_room(undisturbed: Undisturbed, tmp_path: Path) -> None:
    from tests.faults.cases import disk_filled

    try:
        with small_disk(Place.under(tmp_path / "probe").home, "100k"):
            pass
    except PermissionError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    found = disk_filled(undisturbed, tmp_path / "run")
    assert found.outcome.startswith("status 1, said: ")
    assert "the disk is full" in found.outcome
    assert "0 half-written tables; then status 0" in found.outcome
    assert found.same
