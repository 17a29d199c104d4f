"""What may be taken out of an inbox, and when."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.completeness import ScanResult
from tasks.intake.ledger import read_only
from tasks.intake.open_files import is_being_written
from tests.helpers.simulated_inbox import DEADLY, END, SimulatedInbox


@pytest.fixture
def world(tmp_path: Path) -> SimulatedInbox:
    return SimulatedInbox(tmp_path)


def ready(scanned: ScanResult) -> list[str]:
    return [str(c.path) for c in scanned.ready]


def waits(scanned: ScanResult) -> dict[str, str | None]:
    return {str(v.candidate.path): v.waits_for for v in scanned.waiting}


def test_a_file_is_taken_when_two_scans_far_enough_apart_find_it_the_same(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    world.put("a.wav")
    assert waits(watcher.scan()) == {"a.wav": "just seen"}
    world.now += 9
    assert waits(watcher.scan()) == {"a.wav": "settling"}
    world.now += 1
    assert ready(watcher.scan()) == ["a.wav"]


def test_what_was_seen_is_known_to_the_next_process_and_to_another(world: SimulatedInbox) -> None:
    world.put("a.wav")
    first = world.watcher()
    first.scan()
    first.close()
    world.now += 10
    assert ready(world.watcher().scan()) == ["a.wav"]


@pytest.mark.parametrize("change", ["longer", "later"])
def test_any_change_starts_the_wait_anew(world: SimulatedInbox, change: str) -> None:
    watcher = world.watcher()
    path = world.put("a.wav")
    watcher.scan()
    world.now += 10
    if change == "longer":
        path.write_bytes(b"longer" + path.read_bytes())
    else:
        os.utime(path, (1, 1))
    assert waits(watcher.scan()) == {"a.wav": "still changing"}
    world.now += 9
    assert ready(watcher.scan()) == []
    world.now += 1
    assert ready(watcher.scan()) == ["a.wav"]


def test_one_scan_is_never_enough_however_long_the_file_lies_there(world: SimulatedInbox) -> None:
    os.utime(world.put("a.wav"), (1, 1))
    assert ready(world.watcher(settle_seconds=0).scan()) == []


def test_a_clock_set_back_starts_the_wait_anew(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    world.put("a.wav")
    watcher.scan()
    world.now -= 3600
    assert ready(watcher.scan()) == []
    world.now += 10
    assert ready(watcher.scan()) == ["a.wav"]


@pytest.mark.parametrize(
    "name",
    [
        "a.wav.part", "a.wav.tmp", "a.wav.CRDOWNLOAD", ".a.wav", "@eaDir/a.wav", "Thumbs.db", "a.json", "STOP",
        ".hidden/a.wav", "#recycle/a.wav", "~$a.wav",
    ],
)  # fmt: skip
def test_names_that_are_never_taken(world: SimulatedInbox, name: str) -> None:
    world.put(name)
    scanned = world.watcher().scan()
    assert (scanned.ready, scanned.waiting, scanned.refused) == ((), (), ())


def test_links_and_pipes_are_told_and_never_followed(world: SimulatedInbox, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.wav").write_bytes(b"END")
    (world.inbox / "a.wav").symlink_to(tmp_path / "elsewhere" / "secret.wav")
    (world.inbox / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(world.inbox / "pipe.wav")
    scanned = world.watcher().scan()
    assert {str(r.path): r.reason.split(";")[0] for r in scanned.refused} == {
        "a.wav": "a link", "folder": "a link", "pipe.wav": "not a regular file",
    }  # fmt: skip
    assert not scanned.waiting


def test_a_marker_takes_its_file_at_once_and_goes(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    world.put("a.wav", whole=False)
    world.stamp(world.put("a.wav.done"))
    scanned = watcher.scan()
    assert ready(scanned) == ["a.wav"]
    watcher.take(scanned.ready[0])
    assert not (world.inbox / "a.wav.done").exists()


def test_a_marker_older_than_its_file_was_left_by_another(world: SimulatedInbox) -> None:
    world.put("a.wav.done")
    world.put("a.wav")
    assert ready(world.watcher().scan()) == []


def test_a_file_without_its_end_is_waited_for_and_then_taken_as_it_is(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    world.put("a.wav", whole=False)
    watcher.scan()
    world.now += 60
    assert waits(watcher.scan()) == {"a.wav": "its end is not there yet"}
    world.now += 3539
    assert ready(watcher.scan()) == []
    world.now += 1
    assert ready(watcher.scan()) == ["a.wav"]


def test_an_empty_file_is_waited_for_as_long(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    world.put("a.wav", b"", whole=False)
    watcher.scan()
    world.now += 60
    assert waits(watcher.scan()) == {"a.wav": "empty so far"}
    world.now += 3600
    assert ready(watcher.scan()) == ["a.wav"]


def test_urgent_ones_first_then_the_oldest(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    for age, name in enumerate(("z.wav", "b.wav", "week/Urgent/y.wav", "urgent/x.wav")):
        os.utime(world.put(name), (1000 - age, 1000 - age))
    watcher.scan()
    world.now += 10
    assert ready(watcher.scan()) == ["urgent/x.wav", "week/Urgent/y.wav", "b.wav", "z.wav"]


@pytest.mark.parametrize("how", ["marked", "set"])
def test_a_folder_is_one_recording(world: SimulatedInbox, how: str) -> None:
    watcher = world.watcher(group="folder" if how == "set" else "file")
    for part in ("1.wav", "2.wav"):
        world.put(f"day/{part}")
    world.put("urgent/a.wav")
    if how == "marked":
        world.put("day/_together")
    watcher.scan()
    world.now += 9
    world.put("day/3.wav")
    assert "day" in waits(watcher.scan())
    world.now += 9
    assert ready(watcher.scan()) == ["urgent/a.wav"]
    world.now += 1
    assert ready(watcher.scan()) == ["urgent/a.wav", "day"]


def test_a_folder_that_is_copied_into_is_not_whole(world: SimulatedInbox) -> None:
    watcher = world.watcher(group="folder")
    world.put("day/1.wav")
    world.put("day/2.wav.part")
    watcher.scan()
    world.now += 60
    assert waits(watcher.scan()) == {"day": "2.wav.part is being copied into it"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes")
def test_a_file_that_somebody_has_open_is_not_taken_however_long_it_rests(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    if is_being_written(path) is None:
        pytest.skip("this file system doesn't tell who writes")
    watcher = world.watcher()
    hold = "import sys; f = open(sys.argv[1], 'ab'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        watcher.scan()
        world.now += 100_000
        assert waits(watcher.scan()) == {"a.wav": "still open for writing"}
        writer.communicate()
    assert ready(watcher.scan()) == ["a.wav"]


def test_what_still_changes_keeps_nobody_waiting(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    path = world.put("a.wav")
    assert watcher.scan().due(world.now) == 10
    world.now += 10
    path.write_bytes(b"longer" + path.read_bytes())
    assert watcher.scan().due(world.now) is None


@pytest.mark.parametrize("marked", [False, True])
def test_a_file_that_kills_its_decoder_is_set_aside_and_the_others_go_on(world: SimulatedInbox, marked: bool) -> None:
    world.put("hostile.wav", DEADLY)
    world.put("good.wav")
    if marked:
        world.stamp(world.put("hostile.wav.done"))
    watcher, waited = world.watcher(attempts=3), []
    watcher.scan()
    world.now += 10
    assert ready(watcher.scan()) == ["good.wav"]
    assert isinstance(watcher.take(watcher.scan().ready[0]), Claim)
    while "hostile.wav" not in ready(scanned := watcher.scan()):
        waited.append(waits(scanned)["hostile.wav"])
        watcher = world.watcher(attempts=3)  # who counts must not be who dies
        world.now += 30
    assert set(waited) == {"opening it as sound failed, to be tried again", "to be tried again"} - (
        {"to be tried again"} if marked else set()
    )
    ended = watcher.take(scanned.ready[0])
    assert isinstance(ended, ClosedClaim)
    assert ended.state == "quarantined"
    error = json.loads(next(world.quarantine.glob("*/error.json")).read_text())
    assert "crashed, hung or failed" in error["what"]
    assert "3 times" in error["why"]
    assert {Path(f).name for f in world.list_files() if f.startswith("quarantine")} == {"hostile.wav"}


@pytest.mark.parametrize("marked", [False, True])
def test_no_file_is_set_aside_where_the_machine_is_at_fault(
    world: SimulatedInbox, marked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(_: Path) -> str | None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    world.put("a.wav")
    if marked:
        world.stamp(world.put("a.wav.done"))
    with monkeypatch.context() as patch:
        patch.setattr(world, "lacking", no_memory)
        watcher = world.watcher(attempts=2)
        for _ in range(5):
            assert ready(watcher.scan()) == []
            world.now += 100
    assert isinstance(world.take_first(world.watcher()), Claim)


def test_a_file_that_killed_its_decoder_is_tried_anew_when_it_has_changed(world: SimulatedInbox) -> None:
    path = world.put("a.wav", DEADLY)
    watcher = world.watcher(attempts=2)
    watcher.scan()
    world.now += 10
    watcher.scan()
    path.write_bytes(b"mended" + END)
    world.stamp(path)
    watcher.scan()
    world.now += 100
    assert isinstance(watcher.take(watcher.scan().ready[0]), Claim)


def test_a_ledger_of_an_earlier_version_is_read_and_brought_up_to_date(world: SimulatedInbox) -> None:
    path = world.inbox / ".ledger.sqlite3"
    world.watcher().close()
    with sqlite3.connect(path) as db:
        db.execute("alter table sightings drop column failures")
        db.execute("drop table kept")
        db.execute("insert into sightings values (?, 'old', 1.0, null, 0.0, 'settling')", (b"a.wav",))
    db.close()
    found = read_only(path)
    assert found is not None
    with found as ledger:
        assert [s.failures for _, s, _ in ledger.waiting()] == [0]
    world.put("a.wav")
    assert isinstance(world.take_first(world.watcher()), Claim)


@pytest.mark.parametrize("group", ["file", "folder"])
def test_a_folder_that_may_not_be_read_stops_nobody(
    world: SimulatedInbox, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("locked/a.wav")
    world.put("b.wav")
    listing = os.scandir

    def refused(folder: Path) -> object:
        if Path(folder).name == "locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refused)
    scanned = world.watcher(group=group).scan()
    assert list(waits(scanned)) == ["b.wav"]
    assert [(str(r.path), "Permission denied" in r.reason) for r in scanned.refused] == [("locked", True)]
