"""One of many takes a recording; what a dead one had is given back, and never over another file."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.intake import claim_lock, files, intake, take_claim
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim, PublishedRun
from tests.helpers.simulated_inbox import END, SimulatedInbox

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from tests.helpers.simulated_inbox import SimulatedInbox
from tasks.intake.claim import Claim

world = SimulatedInbox.__new__(SimulatedInbox)
world.__dict__.update({state!r})
world.settings = world.make_settings()
watcher = world.watcher()
print("ready", flush=True)
sys.stdin.readline()
mine = [t for c in watcher.scan().ready if isinstance(t := watcher.take(c), Claim)]
print(*(c.path.name for c in mine), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def world(tmp_path: Path) -> SimulatedInbox:
    return SimulatedInbox(tmp_path)


def child(world: SimulatedInbox) -> subprocess.Popen[str]:
    """A process that claims all it can on request, prints their names, and holds the claims until its stdin
    closes."""
    state = {k: v for k, v in vars(world).items() if k != "settings"}
    code = CHILD.format(root=str(ROOT), state=state).replace("PosixPath(", "Path(")
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_never_both_take_one_file(world: SimulatedInbox) -> None:
    names = [f"{i}.wav" for i in range(20)]
    for name in names:
        world.put(name, name.encode())
    watcher = world.watcher()
    watcher.scan()
    world.now += 10
    children = [child(world), child(world)]
    for each in children:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    taken = [set(c.stdout.readline().split()) for c in children if c.stdout]
    assert taken[0] & taken[1] == set()
    assert taken[0] | taken[1] == set(names)
    assert watcher.recover() == []  # both live
    for each in children:
        each.kill()
        each.communicate()
    back = watcher.recover()
    assert sorted(str(f.name) for f in back) == sorted(names)
    assert {f.state for f in back} == {"returned"}
    assert sorted(world.list_files()) == sorted(f"inbox/{n}" for n in names)


def test_the_same_content_under_two_names_is_worked_on_by_one(world: SimulatedInbox) -> None:
    world.put("a.wav")
    world.put("b.wav")
    one, two = world.watcher(), world.watcher()
    assert world.claim_first(one).path.name == "a.wav"
    (left,) = two.scan().ready
    assert two.take(left) is None
    assert world.list_files() == [f"inbox/.claimed/{_sha(b'sound' + END)[:12]}/a.wav", "inbox/b.wav"]


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_what_somebody_else_held_is_read_again_when_it_is_another_file(world: SimulatedInbox) -> None:
    path = world.put("b.wav", b"one")
    world.put("a.wav", b"one")
    os.utime(world.inbox / "a.wav", (1, 1))
    one, two = world.watcher(), world.watcher()
    first = world.claim_first(one)
    assert first.path.name == "a.wav"
    (left,) = two.scan().ready
    assert two.take(left) is None  # and its digest is remembered
    was = path.stat()
    path.write_bytes(b"two" + END)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    second = two.take(left)
    assert isinstance(second, Claim)
    assert second.note.sha256 != first.note.sha256


def test_a_claims_folder_that_is_not_ours_stops_nobody(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    world.put("a.wav", b"one")
    world.put("b.wav", b"two")
    watcher = world.watcher()
    theirs = claim_lock.claim_folder(world.inbox, _sha(b"one" + END))
    theirs.mkdir()

    def refused(folder: Path) -> claim_lock.ClaimLock | None:
        if folder == theirs:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return claim_lock.acquire(folder)

    for module in (intake, take_claim):
        monkeypatch.setattr(module, "acquire", refused)
    assert watcher.recover() == []
    watcher.scan()
    world.now += 10
    taken = [watcher.take(c) for c in watcher.scan().ready]
    assert [t.path.name for t in taken if isinstance(t, Claim)] == ["b.wav"]
    (refused_path,) = watcher.scan().refused
    assert "Permission denied" in refused_path.reason


def test_a_dead_ones_file_goes_back_under_its_own_name_with_its_sidecar(world: SimulatedInbox) -> None:
    path = world.put("monday/a.wav")
    path.with_suffix(".json").write_text("{}")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    assert [p.name for p in claim.lock.items()] == ["a.json", "a.wav"]
    claim.lock.abandon()
    (back,) = watcher.recover()
    assert back.place == path
    assert world.list_files() == ["inbox/monday/a.json", "inbox/monday/a.wav"]
    assert watcher.claims() == []


def test_giving_back_never_overwrites(world: SimulatedInbox) -> None:
    world.put("a.wav", b"first")
    watcher = world.watcher()
    world.claim_first(watcher).lock.abandon()
    world.put("a.wav", b"second")
    watcher.recover()
    assert world.list_files() == ["inbox/a (2).wav", "inbox/a.wav"]
    assert (world.inbox / "a.wav").read_bytes() == b"second" + END


def test_a_sidecar_of_two_recordings_is_copied_and_then_moved(world: SimulatedInbox) -> None:
    for name in ("a.wav", "a.mp3"):
        world.put(name, name.encode())
    (world.inbox / "a.json").write_text(json.dumps({"recorded_at": "2026-03-01T00:00:00"}))
    watcher = world.watcher()
    first = world.claim_first(watcher)
    assert (first.lock.folder / "a.json").is_file()
    assert (world.inbox / "a.json").is_file()
    second = watcher.take(watcher.scan().ready[0])
    assert isinstance(second, Claim)
    assert not (world.inbox / "a.json").exists()
    watcher.release(first)
    watcher.release(second)
    assert world.list_files() == ["inbox/a.json", "inbox/a.mp3", "inbox/a.wav"]


def test_a_file_that_changes_while_it_is_taken_stays(world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.put("a.wav")
    taken = files.rename_away

    def written_on(source: Path, target: Path) -> None:
        with path.open("ab") as file:
            file.write(b"more")
        taken(source, target)

    monkeypatch.setattr(files, "rename_away", written_on)
    assert world.take_first(world.watcher()) is None
    assert world.list_files() == ["inbox/a.wav"]


def test_another_machines_claim_is_dead_when_its_heart_has_stopped(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    note = claim.lock.folder / claim_lock.NOTE
    note.write_text(note.read_text().replace(claim.note.host, "another"))
    claim.lock.abandon()  # a lock that doesn't reach us
    lock = claim.lock.folder / claim_lock.LOCK
    assert watcher.recover() == []
    past = time.time() - claim_lock.REMOTE_TIMEOUT_S - 1
    os.utime(lock, (past, past))
    (back,) = watcher.recover()
    assert back.state == "returned"


def test_a_claim_without_a_note_goes_to_the_top_of_the_inbox(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    folder = world.inbox / ".claimed" / "0123456789ab"
    folder.mkdir()
    (folder / "a.wav").write_bytes(b"END")
    (folder / ".claim.json").write_text("{ damaged")
    watcher.recover()
    assert world.list_files() == ["inbox/a.wav"]
    assert watcher.claims() == []


def test_what_can_not_be_moved_is_told_and_stops_nobody(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    world.put("usb/a.wav", b"one")
    world.put("b.wav", b"two")
    watcher = world.watcher()
    taken = files.rename_away

    def on_another_disk(source: Path, target: Path) -> None:
        if "usb" in source.parts:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        taken(source, target)

    monkeypatch.setattr(files, "rename_away", on_another_disk)
    watcher.scan()
    world.now += 10
    found = [watcher.take(c) for c in watcher.scan().ready]
    assert [f.path.name for f in found if isinstance(f, Claim)] == ["b.wav"]
    (refused,) = watcher.scan().refused
    assert str(refused.path) == "usb/a.wav"
    assert "cross-device" in refused.reason
    assert (world.inbox / "usb" / "a.wav").is_file()


def test_told_to_stop_the_attempt_does_not_count(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher(attempts=1)
    for _ in range(3):
        claim = world.claim_first(watcher)
        ended = watcher.release(claim)
        assert isinstance(ended, ClosedClaim)
        assert ended.state == "returned"
    claim = world.claim_first(watcher)
    watcher.excuse_begun()  # as on Ctrl-C, by another thread
    watcher.excuse_begun()
    claim.lock.abandon()
    (back,) = watcher.recover()
    assert back.state == "returned"


def test_a_stop_right_after_an_attempt_was_counted_excuses_it(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("a.wav")
    watcher = world.watcher(attempts=1)
    begin = watcher.ledger.begin

    def begin_and_stop(*what: Any) -> None:
        begin(*what)
        watcher.excuse_begun()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(watcher.ledger, "begin", begin_and_stop)
        with pytest.raises(KeyboardInterrupt):
            world.claim_first(watcher)
    (back,) = world.watcher(attempts=1).recover()
    assert back.state == "returned"
    claim = world.claim_first(world.watcher(attempts=1))
    content = watcher.ledger.content(claim.note.sha256)
    assert content is not None
    assert content.attempts == 1


def test_excusing_leaves_closed_claims_as_they_are(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher(attempts=3)
    claim = world.claim_first(watcher)
    watcher.close_failed(claim, "no", lasting=False)
    watcher.excuse_begun()
    content = watcher.ledger.content(claim.note.sha256)
    assert content is not None
    assert content.attempts == 1


def test_a_sidecar_stays_with_its_recording_when_that_gets_another_name(world: SimulatedInbox) -> None:
    world.put("a.wav", b"monday")
    (world.inbox / "a.json").write_text('{"recorded_at": "2026-03-02T09:00:00"}')
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    world.put("a.wav", b"tuesday")
    watcher.release(claim)
    assert world.list_files() == ["inbox/a (2).json", "inbox/a (2).wav", "inbox/a.wav"]
    assert (world.inbox / "a (2).wav").read_bytes() == b"monday" + END


def test_a_sidecar_that_comes_while_its_recording_is_processed_is_read_after_all(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    row = world.publish(claim)
    (world.inbox / "a.json").write_text('{"recorded_at": "2026-03-02T09:00:00"}')
    facts = {k: row[k] for k in ("status", "recording_id", "run_id")}
    assert watcher.close_processed(claim, **facts).state == "returned"
    claim = world.claim_first(watcher)
    assert [p.name for p in claim.sidecars] == ["a.json"]
    world.publish(claim)
    assert watcher.close_processed(claim, **facts).state == "done"
    assert [Path(f).name for f in world.list_files()] == ["a.json", "a.wav"]
    assert list(world.inbox.glob("*.json")) == []


def test_a_sidecar_that_comes_late_goes_to_the_quarantine_along(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    (world.inbox / "a.wav.json").write_text("{}")
    assert watcher.close_failed(claim, "no sound in it", lasting=True).state == "quarantined"
    assert sorted(Path(f).parent.parent.name for f in world.list_files()) == ["quarantine", "quarantine"]


def test_the_next_file_of_that_name_keeps_its_own_sidecar(world: SimulatedInbox) -> None:
    world.put("a.wav", b"monday")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    row = world.publish(claim)
    world.put("a.wav", b"tuesday")
    (world.inbox / "a.json").write_text("{}")
    facts = {k: row[k] for k in ("status", "recording_id", "run_id")}
    assert watcher.close_processed(claim, **facts).state == "done"
    assert (world.inbox / "a.json").exists()


def test_what_an_earlier_run_has_published_is_not_the_killed_ones(world: SimulatedInbox) -> None:
    sha256 = files.digest_of(world.put("a.wav"))
    world.published[sha256] = PublishedRun(f"id-{sha256[:8]}", "by-hand-one", "partial", world.now - 3_600)
    killed = world.watcher()
    world.claim_first(killed).lock.abandon()
    killed.close()
    watcher = world.watcher()
    assert [f.state for f in watcher.recover()] == ["returned"]
    assert world.list_files() == ["inbox/a.wav"]


@pytest.mark.parametrize("after", ["done", "keep"])
def test_what_the_tables_hold_is_not_done_again_where_the_ledger_is_a_new_one(tmp_path: Path, after: str) -> None:
    world = SimulatedInbox(tmp_path, after=after)
    sha256 = files.digest_of(world.put("a.wav"))
    world.published[sha256] = PublishedRun(f"id-{sha256[:8]}", "by-hand-one", "complete", world.now - 3_600)
    watcher = world.watcher()
    ended = world.take_first(watcher)
    assert isinstance(ended, ClosedClaim)
    assert (ended.state, ended.recording_id) == ("linked", f"id-{sha256[:8]}")
    watcher.scan()
    world.now += 4_000
    assert not watcher.scan().ready
    world.put("b.wav", b"sound")
    (world.inbox / "b.json").write_text('{"recorded_at": "2026-03-02T09:00:00"}')
    assert isinstance(world.take_first(watcher), Claim)  # its sidecar tells what nobody has read
