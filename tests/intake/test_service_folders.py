"""Folders of storage systems: what was deleted, or is an older version, is never taken out of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.intake.claim import Claim
from tasks.intake.service_folders import NAMES, is_service_folder
from tests.helpers.simulated_inbox import SimulatedInbox

LISTED = sorted({name for names in NAMES.values() for name in names})
OTHERS = [
    "found.000", "FOUND.017", "@GMT-2026.03.01-09.15.00", "_NAS_Recycle_RAIDV", "Recycle Bin - Volume_1",
    ".Trash-1000", ".Trashes", ".snapshot", ".snapshots", ".zfs", ".stversions", ".sync", ".recycle", ".@__thumb",
]  # fmt: skip
PEOPLES = ["@home", "#1", "~anna", "$5 talks", "snapshots", "recycling", "tmp", "lost", "found.1", "@GMT", "uploads"]


@pytest.fixture
def world(tmp_path: Path) -> SimulatedInbox:
    return SimulatedInbox(tmp_path)


@pytest.mark.parametrize("group", ["file", "folder"])
def test_nothing_is_taken_out_of_one_at_any_depth_in_any_letter_case(world: SimulatedInbox, group: str) -> None:
    for place in ("", "monday", "a/b/c/d"):
        for name in {spell(n) for n in LISTED + OTHERS for spell in (str, str.upper, str.lower, str.swapcase)}:
            world.put(f"{place}/{name}/week/older.wav", b"older")
    before = world.list_files()
    watcher = world.watcher(group=group)
    for _ in range(3):
        scanned = watcher.scan()
        assert (scanned.ready, scanned.waiting, scanned.refused) == ((), (), ())
        world.now += 10_000
    assert world.list_files() == before


def test_folders_of_people_are_looked_into(world: SimulatedInbox) -> None:
    for name in PEOPLES:
        assert not is_service_folder(name)
        world.put(f"{name}/a.wav", name.encode())
    watcher = world.watcher()
    watcher.scan()
    world.now += 10
    assert len(watcher.scan().ready) == len(PEOPLES)


@pytest.mark.parametrize("name", ["@Recycle", "#snapshot", "~SNAPSHOT", "Network Trash Folder", "@tmp"])
def test_in_a_folder_that_is_one_recording_they_are_no_obstacle_and_no_part(world: SimulatedInbox, name: str) -> None:
    world.put("monday/_together", b"")
    world.put("monday/1.wav", b"morning")
    world.put(f"monday/{name}/deleted.wav", b"deleted")
    claim = world.take_first(world.watcher())
    assert isinstance(claim, Claim)
    assert [part.name for part in claim.recordings] == ["1.wav"]
