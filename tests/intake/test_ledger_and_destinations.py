"""What becomes of a recording, and what the ledger tells of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tasks.errors import TransientError, UsageError
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.ledger import read_only
from tests.helpers.simulated_inbox import SimulatedInbox

DAY = "2027/01/15"


@pytest.fixture
def world(tmp_path: Path) -> SimulatedInbox:
    return SimulatedInbox(tmp_path)


def processed(world: SimulatedInbox, claim: Claim, watcher: object = None, status: str = "complete") -> ClosedClaim:
    watcher = watcher or world.watcher()
    row = world.publish(claim, status)
    return watcher.close_processed(claim, status=status, recording_id=row["recording_id"], run_id=row["run_id"])  # type: ignore[attr-defined]


def test_done_goes_to_its_day_under_its_own_name(world: SimulatedInbox) -> None:
    world.put("urgent/a.wav")
    watcher = world.watcher()
    ended = processed(world, world.claim_first(watcher), watcher)
    assert ended.place == world.done / DAY / "a.wav"
    assert world.list_files() == [f"done/{DAY}/a.wav"]
    ((arrival, content),) = watcher.ledger.arrivals()
    assert (arrival.state, arrival.name, arrival.filed) == ("done", Path("urgent/a.wav"), True)
    assert content is not None
    assert (content.state, content.run_id, content.attempts) == ("done", "run-one", 1)


def test_the_destination_is_decided_before_anything_is_published(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    arrival = watcher.ledger.arrival(claim.note.id)
    assert arrival is not None
    assert arrival.destination == world.done / DAY / "a.wav"
    world.now += 86_400  # past midnight
    assert processed(world, claim, watcher).place == arrival.destination


def test_nothing_is_ever_overwritten_in_done(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    (world.done / DAY).mkdir(parents=True)
    for content in (b"one", b"two"):
        world.put("a.wav", content)
        (world.inbox / "a.json").write_bytes(b"{}" + content)
        claim = world.claim_first(watcher)
        arrival = watcher.ledger.arrival(claim.note.id)
        assert arrival is not None
        assert arrival.destination is not None
        arrival.destination.write_bytes(b"somebody else's")
        processed(world, claim, watcher)
    assert world.list_files() == sorted(
        f"done/{DAY}/{n}" for n in ("a.wav", "a (2).wav", "a (2).json", "a (3).wav", "a (4).wav", "a (4).json")
    )
    assert (world.done / DAY / "a (4).wav").read_bytes().startswith(b"two")


def test_the_same_content_is_not_processed_twice_and_both_files_are_kept(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    world.put("a.wav")
    processed(world, world.claim_first(watcher), watcher)
    world.put("a.wav")
    again = world.take_first(watcher)
    assert isinstance(again, ClosedClaim)
    assert (again.state, again.recording_id) == ("linked", watcher.ledger.arrivals()[0][1].recording_id)  # type: ignore[union-attr]
    assert world.list_files() == [f"done/{DAY}/a (2).wav", f"done/{DAY}/a.wav"]


@pytest.mark.parametrize("why", ["settings", "transcript gone", "partial", "quarantined", "sidecar"])
def test_it_is_processed_again_where_that_may_give_something_else(world: SimulatedInbox, why: str) -> None:
    watcher = world.watcher()
    world.put("a.wav")
    claim = world.claim_first(watcher)
    if why == "quarantined":
        watcher.close_failed(claim, "no sound.", lasting=True)
    else:
        processed(world, claim, watcher, "partial" if why == "partial" else "complete")
    if why == "settings":
        world.settings_digest = "two"
    if why == "transcript gone":
        world.published.clear()
    if why == "sidecar":
        (world.inbox / "a.json").write_text('{"recorded_at": "2026-03-01T09:15:00"}')
    world.put("a.wav")
    assert isinstance(world.take_first(world.watcher()), Claim)


def test_a_folder_takes_its_sidecar_along_and_brings_it_back(world: SimulatedInbox) -> None:
    world.put("monday/1.wav")
    world.put("monday/2.wav")
    (world.inbox / "monday" / "_together").touch()
    (world.inbox / "monday.json").write_text('{"recorded_at": "2026-03-01T09:15:00"}')
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    assert [item.name for item in claim.sidecars] == ["monday.json"]
    watcher.release(claim)
    assert (world.inbox / "monday.json").is_file()
    processed(world, world.claim_first(watcher), watcher)
    assert {Path(f).relative_to(f"done/{DAY}").parts[0] for f in world.list_files()} == {"monday", "monday.json"}


def test_what_was_done_stays_done_though_it_was_given_back_since(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    world.put("a.wav")
    processed(world, world.claim_first(watcher), watcher)
    sidecar = world.inbox / "a.json"
    sidecar.write_text('{"recorded_at": "2026-03-01T09:15:00"}')
    world.put("a.wav")
    watcher.release(world.claim_first(watcher))
    sidecar.unlink()
    ended = world.take_first(watcher)
    assert isinstance(ended, ClosedClaim)
    assert ended.state == "linked"


def test_a_lasting_fault_goes_to_quarantine_with_plain_words(world: SimulatedInbox) -> None:
    path = world.put("a.wav")
    path.with_suffix(".json").write_text("{}")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    ended = watcher.close_failed(claim, f"{claim.path}: holds no audio.\nWas it the right file?", lasting=True)
    assert ended.place is not None
    assert ended.place.parent.parent == world.quarantine
    assert sorted(f.name for f in ended.place.parent.iterdir()) == ["a.json", "a.wav", "error.json"]
    error = json.loads((ended.place.parent / "error.json").read_text())
    assert error["what"] == "a.wav: holds no audio.\nWas it the right file?"
    assert set(error) == {
        "file", "came_from", "what", "why", "what_to_do", "when", "run_id", "attempts", "sha256",
    }  # fmt: skip
    world.put("a.wav")
    again = watcher.close_failed(world.claim_first(watcher), "still no sound.", lasting=True)
    assert again.place is not None
    assert again.place.parent != ended.place.parent


def test_a_passing_fault_goes_back_later_and_later_and_then_to_quarantine(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher(attempts=3)
    states, waited = [], []
    for _ in range(3):
        began = world.now
        while True:
            world.now += 10
            ready = watcher.scan().ready
            if ready:
                break
        waited.append(world.now - began)
        claim = watcher.take(ready[0])
        assert isinstance(claim, Claim)
        states.append(watcher.close_failed(claim, "the network is away.", lasting=False).state)
    assert states == ["returned", "returned", "quarantined"]
    assert waited == [20, 60, 240]
    error = json.loads(next(world.quarantine.glob("*/error.json")).read_text())
    assert "3 times" in error["why"]


def test_a_recording_that_kills_its_process_each_time_is_set_aside(world: SimulatedInbox) -> None:
    world.put("a.wav")
    states = []
    for _ in range(3):
        watcher = world.watcher(attempts=3)
        world.claim_first(watcher).lock.abandon()
        watcher.close()
        states += [f.state for f in world.watcher(attempts=3).recover()]
    assert states == ["returned", "returned", "quarantined"]
    assert "died" in next(world.quarantine.glob("*/error.json")).read_text()


@pytest.mark.parametrize("status", ["complete", "partial"])
def test_only_what_is_done_for_good_is_deleted_and_only_where_that_was_asked(tmp_path: Path, status: str) -> None:
    world = SimulatedInbox(tmp_path, after="delete")
    world.put("a.wav")
    watcher = world.watcher()
    processed(world, world.claim_first(watcher), watcher, status)
    assert world.list_files() == ([] if status == "complete" else [f"done/{DAY}/a.wav"])


def test_a_file_that_changed_while_it_was_processed_is_taken_again(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    claim.path.write_bytes(b"other" + claim.path.read_bytes())
    ended = processed(world, claim, watcher)
    assert (ended.state, ended.place) == ("returned", world.inbox / "a.wav")
    assert isinstance(world.take_first(watcher), Claim)


def test_a_file_that_fails_because_it_was_still_written_is_not_set_aside(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher(attempts=1)
    claim = world.claim_first(watcher)
    with claim.path.open("ab") as file:
        file.write(b"more")
    assert watcher.close_failed(claim, "no sound.", lasting=True).place == world.inbox / "a.wav"


def test_an_earlier_transcript_is_not_taken_for_that_of_a_run_that_died(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    for _ in range(2):
        world.put("a.wav")
        claim = world.claim_first(watcher)
        if not world.published:
            processed(world, claim, watcher, "partial")
    claim.lock.abandon()
    (back,) = watcher.recover()
    assert back.state == "returned"


def test_no_room_in_done_leaves_the_file_where_it_is_until_there_is(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from tasks.intake import destinations

    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(destinations.files, "move", full)
        ended = processed(world, claim, watcher)
    assert (ended.state, ended.place) == ("done", claim.path)
    assert "No space left" in (ended.message or "")
    (filed,) = watcher.recover()
    assert filed.place == world.done / DAY / "a.wav"


def test_across_disks_a_file_appears_whole_or_not_at_all(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from tasks.intake import files

    path = world.put("a.wav")
    os.utime(path, (1_000, 1_000))
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    link = os.link

    def other_disk(source: Path, target: Path, **keywords: object) -> None:
        if world.inbox in Path(source).parents:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        link(source, target)

    monkeypatch.setattr(files.os, "link", other_disk)
    processed(world, claim, watcher)
    assert world.list_files() == [f"done/{DAY}/a.wav"]
    assert (world.done / DAY / "a.wav").stat().st_mtime == 1_000


def test_without_hard_links_nothing_is_overwritten_either(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from tasks.intake import files

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(files.os, "link", no_links)
    one, two = world.put("a.wav", b"one"), world.put("b.wav", b"two")
    with pytest.raises(FileExistsError):
        files.move_new(one, two)
    files.move_new(one, world.inbox / "c.wav")
    assert world.list_files() == ["inbox/b.wav", "inbox/c.wav"]


def test_names_that_are_no_text_are_kept_byte_for_byte(world: SimulatedInbox) -> None:
    name = os.fsdecode(b"caf\xe9 \n.wav")
    world.put(name)
    watcher = world.watcher()
    watcher.close_failed(world.claim_first(watcher), "no sound.", lasting=True)
    assert (next(world.quarantine.iterdir()) / name).is_file()
    assert watcher.ledger.arrivals()[0][0].name == Path(name)


def test_the_ledger_can_be_read_while_it_is_written_and_reading_makes_nothing(
    world: SimulatedInbox, tmp_path: Path
) -> None:
    assert read_only(tmp_path / "none.sqlite3") is None
    assert not (tmp_path / "none.sqlite3").exists()
    watcher = world.watcher()
    world.put("a.wav")
    claim = world.claim_first(watcher)
    found = read_only(world.inbox / ".ledger.sqlite3")
    assert found is not None
    with found as reader, watcher.ledger.writing():
        assert reader.counts() == {"claimed": 1}
    processed(world, claim, watcher)


def test_a_damaged_ledger_is_told_in_one_line(world: SimulatedInbox) -> None:
    (world.inbox / ".ledger.sqlite3").write_bytes(b"not a database at all" * 100)
    with pytest.raises(TransientError, match="Move it away") as raised:
        world.watcher()
    assert len(str(raised.value).splitlines()) == 1


def test_done_must_not_lie_in_the_inbox(world: SimulatedInbox) -> None:
    world.done = world.inbox / "done"
    with pytest.raises(UsageError, match="lies in it"):
        world.watcher()


@pytest.mark.parametrize("name", ["a" * 251 + ".wav", "録" * 83 + ".wav"], ids=["letters", "signs"])
def test_a_name_as_long_as_can_be_is_taken_and_filed_each_time(world: SimulatedInbox, name: str) -> None:
    assert len(os.fsencode(name)) > 250
    watcher = world.watcher()
    for content in (b"one", b"two"):
        world.put(name, content)
        processed(world, world.claim_first(watcher), watcher)
    done = [Path(f).name for f in world.list_files()]
    assert name in done
    assert [f.endswith(" (2).wav") and name.startswith(f[:-8]) for f in done if f != name] == [True]


def test_a_ledger_that_breaks_while_it_is_open_is_told_in_one_line(world: SimulatedInbox) -> None:
    watcher = world.watcher()
    path = watcher.ledger.path
    path.write_bytes(b"\xff" * path.stat().st_size)
    with pytest.raises(TransientError, match="the ledger can't be read"):
        watcher.scan()
