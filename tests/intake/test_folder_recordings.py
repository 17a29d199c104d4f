"""Folders that are one recording: what lies in them beside it is neither taken for sound, nor swallowed, nor lost."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.intake import files
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.intake import Intake
from tests.helpers.simulated_inbox import END, SimulatedInbox

DAY = "2027/01/15"


@pytest.fixture(params=["done", "delete", "keep"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> SimulatedInbox:
    return monday(SimulatedInbox(tmp_path, after=request.param))


@pytest.fixture
def deleting(tmp_path: Path) -> SimulatedInbox:
    return monday(SimulatedInbox(tmp_path, after="delete"))


def monday(world: SimulatedInbox) -> SimulatedInbox:
    world.put("monday/1.wav", b"morning")
    world.put("monday/2.wav", b"noon")
    world.put("monday/_together", b"")
    return world


def processed(world: SimulatedInbox, watcher: Intake, claim: Claim) -> ClosedClaim:
    row = world.publish(claim)
    return watcher.close_processed(
        claim, status=row["status"], recording_id=row["recording_id"], run_id=row["run_id"]
    )


def scan_waiting(world: SimulatedInbox, watcher: Intake) -> dict[str, str]:
    for _ in range(4):
        scanned = watcher.scan()
        assert (scanned.ready, scanned.refused) == ((), ())
        world.now += 10_000
    return {str(path): waits for path, _, waits in watcher.ledger.waiting() if waits}


@pytest.mark.parametrize("group", ["file", "folder"])
def test_a_folder_in_it_keeps_it_waiting_and_a_line_says_why(world: SimulatedInbox, group: str) -> None:
    if group == "folder":
        (world.inbox / "monday" / "_together").unlink()
    world.put("monday/afternoon/3.wav", b"half copied", whole=False)
    before = world.list_files()
    watcher = world.watcher(group=group)
    line = "monday/afternoon lies in a folder that is one recording: put it beside it"
    assert scan_waiting(world, watcher) == {"monday": line}
    assert world.list_files() == before
    (world.inbox / "monday" / "afternoon").rename(world.inbox / "afternoon")
    assert {p.name for p in world.claim_first(watcher).recordings} == {"1.wav", "2.wav"}


@pytest.mark.parametrize("name", ["deep/er/3.wav", "deep/.3.wav.Xy12ab", "deep/notes.txt"])
def test_whatever_lies_in_a_folder_in_it(deleting: SimulatedInbox, name: str) -> None:
    deleting.put(f"monday/{name}")
    assert set(scan_waiting(deleting, deleting.watcher())) == {"monday"}


@pytest.mark.parametrize("name", ["@eaDir/1.wav.jpg", ".sync/state", "empty/.DS_Store"])
def test_folders_that_systems_make_do_not(deleting: SimulatedInbox, name: str) -> None:
    deleting.put(f"monday/{name}")
    assert isinstance(deleting.take_first(deleting.watcher()), Claim)


def test_without_a_recording_of_its_own_it_is_told_too(deleting: SimulatedInbox) -> None:
    deleting.put("tuesday/_together", b"")
    deleting.put("tuesday/notes.txt")
    deleting.put("wednesday/_together", b"")
    deleting.put("wednesday/afternoon/3.wav")
    shutil.rmtree(deleting.inbox / "monday")
    lines = scan_waiting(deleting, deleting.watcher())
    assert set(lines) == {"tuesday", "wednesday"}
    assert "none of its files is a recording" in lines["tuesday"]


def test_other_files_are_not_of_the_recording_and_go_where_it_goes(world: SimulatedInbox) -> None:
    world.put("monday/notes.txt", b"who was there", whole=False)
    world.put("monday/photo.jpg")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    assert [p.name for p in claim.recordings] == ["1.wav", "2.wav"]
    ended = processed(world, watcher, claim)
    assert ended.state == "done"
    folder = world.inbox / "monday" if world.settings.after == "keep" else world.done / DAY / "monday"
    sound = {"1.wav", "2.wav", "_together"} if world.settings.after != "delete" else set()
    assert {p.name for p in folder.iterdir()} == sound | {"notes.txt", "photo.jpg"}
    assert ended.place == folder


def test_where_only_the_recording_lies_in_it_all_of_it_is_deleted(deleting: SimulatedInbox) -> None:
    deleting.put("monday/monday.json", b"{}", whole=False)
    deleting.put("monday/.DS_Store")
    (deleting.inbox / "monday" / "empty").mkdir()
    watcher = deleting.watcher()
    assert processed(deleting, watcher, deleting.claim_first(watcher)).place is None
    assert deleting.list_files() == []
    assert not any(deleting.folder.rglob("monday"))
    assert watcher.claims() == []


@pytest.mark.parametrize("name", ["afternoon/3.wav", "3.wav"])
def test_what_comes_into_it_while_it_is_processed_is_given_back_with_it(world: SimulatedInbox, name: str) -> None:
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    late = claim.path / name
    late.parent.mkdir(exist_ok=True)
    late.write_bytes(b"afternoon" + END)
    ended = processed(world, watcher, claim)
    assert (ended.state, ended.place) == ("returned", world.inbox / "monday")
    assert (world.inbox / "monday" / name).is_file()


@pytest.mark.parametrize("when", ["published", "noted"])
@pytest.mark.parametrize("name", ["afternoon/3.wav", "3.wav"])
def test_what_comes_into_it_after_its_process_has_died_is_never_deleted(
    deleting: SimulatedInbox, name: str, when: str
) -> None:
    watcher = deleting.watcher()
    claim = deleting.claim_first(watcher)
    row = deleting.publish(claim)
    if when == "noted":
        watcher.ledger.end(claim.note.id, "done", recording_id=row["recording_id"], run_id=row["run_id"])
    claim.lock.abandon()
    (claim.path / name).parent.mkdir(exist_ok=True)
    (claim.path / name).write_bytes(b"afternoon" + END)
    (ended,) = deleting.watcher().recover()
    place = deleting.inbox / "monday" if when == "published" else deleting.done / DAY / "monday"
    assert ended.place == place
    assert (place / name).read_bytes() == b"afternoon" + END
    assert (place / "1.wav").is_file()


def test_what_comes_into_it_while_it_is_copied_to_another_disk_stays(
    deleting: SimulatedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = deleting
    world.settings = world.settings.model_copy(update={"after": "done"})
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    row, late, copied = world.publish(claim), claim.path / "3.wav", files._copy

    def copy(source: str | Path, target: str | Path) -> None:
        copied(source, target)
        late.write_bytes(b"late" + END)

    def rename(source: Path, target: Path) -> None:
        if Path(source).is_relative_to(world.inbox) != Path(target).is_relative_to(world.inbox):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        renamed(source, target)

    renamed = os.rename
    with monkeypatch.context() as patch:
        patch.setattr(files, "_copy", copy)
        patch.setattr(os, "rename", rename)
        watcher.close_processed(claim, **row_of(row))
    assert late.is_file()
    assert [p for p in world.list_files() if p.startswith("done")] == []


def row_of(row: dict[str, str]) -> dict[str, Any]:
    return {key: row[key] for key in ("status", "recording_id", "run_id")}


@pytest.mark.parametrize("target", ["../../elsewhere/3.wav", "nowhere.wav"])
@pytest.mark.parametrize("absolute", [False, True])
def test_a_link_in_it_is_told_and_neither_followed_nor_lost(
    world: SimulatedInbox, target: str, absolute: bool
) -> None:
    (world.folder / "elsewhere").mkdir()
    (world.folder / "elsewhere" / "3.wav").write_bytes(b"secret" + END)
    link = world.inbox / "monday" / "3.wav"
    os.symlink(Path(os.path.normpath(link.parent / target)) if absolute else target, link)
    watcher = world.watcher()
    assert scan_waiting(world, watcher) == {"monday": "monday/3.wav is a link; put the file itself there"}
    link.unlink()
    assert isinstance(world.take_first(watcher), Claim)


def test_a_link_that_comes_later_is_not_followed(deleting: SimulatedInbox) -> None:
    claim = deleting.claim_first(deleting.watcher())
    (deleting.folder / "3.wav").write_bytes(b"secret" + END)
    (claim.path / "3.wav").symlink_to(deleting.folder / "3.wav")
    assert [p.name for p in claim.recordings] == ["1.wav", "2.wav"]
    assert not claim.is_unchanged()


def test_the_folders_recordings_are_those_of_the_command_line(tmp_path: Path) -> None:
    from tasks.audio.folder import list_recordings

    world = SimulatedInbox(tmp_path)
    for name in ("1.wav", "2.FLAC", "notes.txt", "3", ".4.wav", "5.json", "Thumbs.db", "6.mp3"):
        world.put(f"monday/{name}", name.encode())
    world.put("monday/_together", b"")
    claim = world.claim_first(world.watcher())
    assert [p.name for p in claim.recordings] == ["1.wav", "2.FLAC", "6.mp3"]
    assert claim.recordings == list_recordings(claim.path)
