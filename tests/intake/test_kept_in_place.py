"""`inbox.after = keep`: a recording is worked on where it lies, stays there, and is not read again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tasks.intake import claim_lock, files
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.completeness import ScanResult
from tasks.intake.intake import Intake
from tests.helpers.simulated_inbox import END, SimulatedInbox


@pytest.fixture
def world(tmp_path: Path) -> SimulatedInbox:
    return SimulatedInbox(tmp_path, after="keep")


def process(world: SimulatedInbox, watcher: Intake, status: str = "complete") -> ClosedClaim:
    claim = world.claim_first(watcher)
    row = world.publish(claim, status)
    return watcher.close_processed(
        claim, status=row["status"], recording_id=row["recording_id"], run_id=row["run_id"]
    )


def later(world: SimulatedInbox, watcher: Intake) -> ScanResult:
    """What there is to do long after."""
    watcher.scan()
    world.now += 4_000
    return watcher.scan()


def test_a_sidecar_that_comes_while_it_is_processed_is_not_taken_for_read(world: SimulatedInbox) -> None:
    path, watcher = world.put("a.wav"), world.watcher()
    claim = world.claim_first(watcher)
    row = world.publish(claim)
    path.with_suffix(".json").write_text('{"recorded_at": "2026-03-02T09:00:00"}')
    ended = watcher.close_processed(
        claim, status=row["status"], recording_id=row["recording_id"], run_id=row["run_id"]
    )
    assert ended.state == "returned"
    assert "its sidecar" in (ended.message or "")
    again = process(world, watcher)
    assert again.state == "done"
    assert nothing_to_do(world, watcher)


def test_a_passing_fault_of_a_file_that_is_marked_is_waited_for_too(world: SimulatedInbox) -> None:
    path, watcher = world.put("a.wav"), world.watcher()
    world.stamp(world.put("a.wav.done"))
    (candidate,) = watcher.scan().ready
    claim = watcher.take(candidate)
    assert isinstance(claim, Claim)
    assert watcher.close_failed(claim, "the network is away", lasting=False).state == "returned"
    scanned = watcher.scan()
    assert [v.waits_for for v in scanned.waiting] == ["to be tried again"]
    assert 0 < (scanned.waiting[0].due or 0) - world.now <= 60
    path.write_bytes(b"mended END")
    world.stamp(path)
    world.stamp(path.with_name("a.wav.done"))
    assert [c.path.name for c in watcher.scan().ready] == ["a.wav"]


def nothing_to_do(world: SimulatedInbox, watcher: Intake) -> bool:
    scanned = later(world, watcher)
    return not (scanned.ready or scanned.waiting or watcher.claims())


@pytest.mark.parametrize("status", ["complete", "partial"])
def test_it_never_leaves_its_place_and_is_not_read_again(
    world: SimulatedInbox, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.put("monday/a.wav")
    path.with_suffix(".json").write_text("{}")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    assert claim.path == path
    assert world.list_files() == ["inbox/monday/a.json", "inbox/monday/a.wav"]
    arrival = watcher.ledger.arrival(claim.note.id)
    assert arrival is not None
    assert arrival.destination == path
    row = world.publish(claim, status)
    ended = watcher.close_processed(
        claim, status=row["status"], recording_id=row["recording_id"], run_id=row["run_id"]
    )
    assert (ended.state, ended.place) == ("done" if status == "complete" else "partial", path)
    assert world.list_files() == ["inbox/monday/a.json", "inbox/monday/a.wav"]

    def read(_: Path) -> str:
        raise AssertionError("it was read again")

    monkeypatch.setattr(files, "digest_of", read)
    monkeypatch.setattr(world, "lacking", read)
    assert nothing_to_do(world, watcher)
    assert nothing_to_do(world, world.watcher())


def test_nobody_else_reads_it_while_it_is_worked_on(world: SimulatedInbox) -> None:
    world.put("a.wav")
    claim = world.claim_first(world.watcher())
    beside = world.watcher()
    scanned = later(world, beside)
    assert (scanned.ready, scanned.waiting) == ((), ())
    claim.lock.abandon()
    assert [f.state for f in beside.recover()] == ["returned"]
    assert isinstance(world.take_first(beside), Claim)


def test_one_that_was_touched_is_known_by_its_content(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    watcher = world.watcher()
    process(world, watcher)
    world.stamp(path)
    ended = world.take_first(watcher)
    assert isinstance(ended, ClosedClaim)
    assert (ended.state, ended.place) == ("linked", path)
    assert nothing_to_do(world, watcher)


def test_so_is_one_that_was_renamed_or_lies_there_twice(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    watcher = world.watcher()
    process(world, watcher)
    path.rename(world.inbox / "b.wav")
    world.put("c.wav")
    states = []
    for _ in range(2):
        ended = world.take_first(watcher)
        assert isinstance(ended, ClosedClaim)
        states.append((ended.name.name, ended.state))
    assert sorted(states) == [("b.wav", "linked"), ("c.wav", "linked")]
    assert world.list_files() == ["inbox/b.wav", "inbox/c.wav"]
    assert nothing_to_do(world, watcher)


@pytest.mark.parametrize("what", ["other content", "another time in its sidecar", "partial"])
def test_what_has_changed_is_processed_again(world: SimulatedInbox, what: str) -> None:
    path = world.put("a.wav")
    watcher = world.watcher()
    process(world, watcher, "partial" if what == "partial" else "complete")
    if what == "another time in its sidecar":
        path.with_suffix(".json").write_text('{"recorded_at": "2026-03-01T09:15:00"}')
    else:
        world.put("a.wav", b"sound" if what == "partial" else b"other sound")
    assert isinstance(world.take_first(watcher), Claim)


def test_new_settings_process_it_again_and_old_ones_do_not(world: SimulatedInbox) -> None:
    world.put("a.wav")
    process(world, world.watcher())
    world.settings_digest = "two"
    process(world, world.watcher())
    world.settings_digest = "one"
    assert nothing_to_do(world, world.watcher())


def test_what_killed_its_process_is_not_moved_before_it_is_set_aside(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    path.with_suffix(".json").write_text("{}")
    states = []
    for _ in range(3):
        watcher = world.watcher(attempts=3)
        world.claim_first(watcher).lock.abandon()
        watcher.close()
        assert path.exists()
        states += [f.state for f in world.watcher(attempts=3).recover()]
    assert states == ["returned", "returned", "quarantined"]
    assert {Path(f).name for f in world.list_files()} == {"a.wav", "a.json"}
    assert all(f.startswith("quarantine/") for f in world.list_files())


def test_what_a_run_that_died_had_published_is_known(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    world.publish(claim)
    claim.lock.abandon()
    (ended,) = world.watcher().recover()
    assert (ended.state, ended.place) == ("done", path)
    assert nothing_to_do(world, watcher)


def test_what_can_not_be_processed_goes_to_quarantine_all_the_same(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    watcher = world.watcher()
    ended = watcher.close_failed(world.claim_first(watcher), f"{path}: holds no audio.", lasting=True)
    assert ended.place is not None
    assert ended.place.parent.parent == world.quarantine
    assert not path.exists()
    assert (ended.place.parent / "error.json").exists()


def test_another_file_in_its_place_is_not_set_aside_for_it(world: SimulatedInbox) -> None:
    world.put("a.wav", b"one that killed its process")
    watcher = world.watcher(attempts=1)
    world.claim_first(watcher).lock.abandon()
    path = world.put("a.wav", b"a good one")
    assert [f.state for f in world.watcher(attempts=1).recover()] == ["returned"]
    assert path.exists()
    assert isinstance(world.take_first(world.watcher()), Claim)


def test_one_that_is_gone_or_has_changed_meanwhile_is_nobodys_fault(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    watcher = world.watcher(attempts=1)
    claim = world.claim_first(watcher)
    path.unlink()
    ended = watcher.close_failed(claim, "the file is gone.", lasting=False)
    assert (ended.state, ended.place) == ("returned", None)
    assert nothing_to_do(world, watcher)


def test_another_machine_whose_lock_does_not_reach_us_keeps_its_claim(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    watcher, beside = world.watcher(), world.watcher()
    beside.scan()
    world.now += 10
    (seen,) = beside.scan().ready
    claim = world.claim_first(watcher)
    note = claim.lock.folder / claim_lock.NOTE
    note.write_text(note.read_text().replace(claim.note.host, "another"))
    claim.lock.abandon()
    assert beside.take(seen) is None
    assert world.take_first(watcher) is None
    past = time.time() - claim_lock.REMOTE_TIMEOUT_S - 1
    os.utime(claim.lock.folder / claim_lock.LOCK, (past, past))
    assert [f.place for f in watcher.recover()] == [path]
    assert isinstance(world.take_first(watcher), Claim)


def test_a_folder_that_is_one_recording_stays_too(world: SimulatedInbox) -> None:
    world.put("monday/1.wav")
    world.put("monday/2.wav")
    (world.inbox / "monday" / "_together").touch()
    watcher = world.watcher()
    assert process(world, watcher).place == world.inbox / "monday"
    assert nothing_to_do(world, watcher)
    world.put("monday/3.wav")
    assert isinstance(world.take_first(watcher), Claim)


def test_when_they_are_to_be_filed_after_all_they_are(world: SimulatedInbox) -> None:
    world.put("a.wav")
    process(world, world.watcher())
    ended = world.take_first(world.watcher(after="done"))
    assert isinstance(ended, ClosedClaim)
    assert ended.state == "linked"
    assert [Path(f).parts[0] for f in world.list_files()] == ["done"]


def test_what_is_there_no_more_is_forgotten(world: SimulatedInbox) -> None:
    path = world.put("a.wav", b"one" + END)
    watcher = world.watcher()
    process(world, watcher)
    assert watcher.ledger.read_kept("one")
    path.unlink()
    watcher.scan()
    assert watcher.ledger.read_kept("one") == {}
