"""An inbox whose disk is away: an empty mount point is not begun anew, and the folder that is gone is named."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import TransientError, UsageError
from tasks.intake import place
from tasks.intake.claim_lock import list_claims
from tasks.intake.names import LEDGER
from tasks.intake.place import find_mount_point, record_mount, refuse_lost_mount
from tests.helpers.simulated_inbox import SimulatedInbox

ROOT = Path(__file__).resolve().parents[2]


class Mounts:
    """Which folders are mount points, beside the root."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.points: set[str] = set()
        monkeypatch.setattr(place.os.path, "ismount", lambda path: str(path) in {"/", *self.points})


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> Mounts:
    return Mounts(monkeypatch)


@pytest.mark.parametrize("inner", ["", "recorder/inbox"])
def test_an_empty_mount_point_is_refused_and_named(tmp_path: Path, mounts: Mounts, inner: str) -> None:
    disk, record = tmp_path / "nas", tmp_path / ".inboxes.json"
    inbox = disk / inner
    mounts.points.add(str(disk))
    record_mount(inbox, record)
    refuse_lost_mount(inbox, record)
    mounts.points.clear()
    with pytest.raises(UsageError) as refused:
        refuse_lost_mount(inbox, record)
    assert f"{disk} is not mounted, and its ledger is not here: nothing is begun anew. Mount it" in str(refused.value)
    assert not inbox.exists()
    mounts.points.add(str(disk))
    refuse_lost_mount(inbox, record)


def test_where_its_ledger_is_the_inbox_is(tmp_path: Path, mounts: Mounts) -> None:
    inbox, record = tmp_path / "inbox", tmp_path / ".inboxes.json"
    mounts.points.add(str(inbox))
    record_mount(inbox, record)
    mounts.points.clear()
    inbox.mkdir()
    (inbox / LEDGER).touch()  # it was moved here, with all that it held
    refuse_lost_mount(inbox, record)
    record_mount(inbox, record)
    (inbox / LEDGER).unlink()
    refuse_lost_mount(inbox, record)  # and a ledger that somebody removes is begun anew


def test_another_disk_in_its_place_is_not_begun_anew_either(tmp_path: Path, mounts: Mounts) -> None:
    inbox, record = tmp_path / "nas" / "inbox", tmp_path / ".inboxes.json"
    mounts.points.add(str(tmp_path / "nas"))
    record_mount(inbox, record)
    mounts.points.add(str(inbox))
    with pytest.raises(UsageError, match=r"it was on the file system of .*nas, and is on that of .*nas/inbox"):
        refuse_lost_mount(inbox, record)
    record.unlink()  # as the message says
    refuse_lost_mount(inbox, record)


def test_inboxes_on_the_homes_own_file_system_leave_no_record(tmp_path: Path) -> None:
    record = tmp_path / ".inboxes.json"
    record_mount(tmp_path / "inbox", record)
    assert not record.exists()


def test_each_inbox_has_its_own_place(tmp_path: Path, mounts: Mounts) -> None:
    record = tmp_path / ".inboxes.json"
    disks = [tmp_path / name for name in ("one", "two")]
    mounts.points |= set(map(str, disks))
    for disk in disks:
        record_mount(disk / "inbox", record)
    assert json.loads(record.read_text()) == {str(disk / "inbox"): str(disk) for disk in disks}
    mounts.points.remove(str(disks[0]))
    refuse_lost_mount(disks[1] / "inbox", record)
    with pytest.raises(UsageError):
        refuse_lost_mount(disks[0] / "inbox", record)


@pytest.mark.parametrize("content", ["", "[]", "{damaged", '{"a": 1}'])
def test_a_damaged_record_stops_nobody(tmp_path: Path, content: str) -> None:
    record = tmp_path / ".inboxes.json"
    record.write_text(content)
    refuse_lost_mount(tmp_path, record)
    record_mount(tmp_path, record)


def test_where_the_record_cannot_be_written_none_is_kept(tmp_path: Path, mounts: Mounts) -> None:
    mounts.points.add(str(tmp_path / "disk"))
    record_mount(tmp_path / "disk", tmp_path / "nowhere" / ".inboxes.json")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def other_file_system(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    folder = Path(tempfile.mkdtemp(prefix="daylong-place-", dir=memory))
    yield folder
    shutil.rmtree(folder)


def test_a_link_to_a_real_other_file_system_that_becomes_a_folder(tmp_path: Path, other_file_system: Path) -> None:
    inbox, record = tmp_path / "inbox", tmp_path / ".inboxes.json"
    inbox.symlink_to(other_file_system)
    record_mount(inbox, record)
    assert find_mount_point(inbox) != find_mount_point(tmp_path)
    inbox.unlink()
    inbox.mkdir()
    with pytest.raises(UsageError, match="nothing is begun anew"):
        refuse_lost_mount(inbox, record)


REAL_MOUNT = """
import os, subprocess, sys
from pathlib import Path
from flows.inbox import open_intake
from tasks.errors import UsageError
from tasks.settings.load import load

inbox = Path(os.environ["DAYLONG_HOME"]) / "data" / "inbox"
inbox.mkdir(parents=True)
subprocess.run(["mount", "-t", "tmpfs", "none", inbox], check=True)
open_intake(load()).close()
subprocess.run(["umount", inbox], check=True)
try:
    open_intake(load())
except UsageError as error:
    print(error)
print(os.listdir(inbox))
"""


def test_a_real_mount_that_goes_away(tmp_path: Path) -> None:
    inside = ["unshare", "--mount", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("no file systems can be mounted here")
    done = subprocess.run(
        [*inside, sys.executable, "-c", REAL_MOUNT],
        env={**os.environ, "DAYLONG_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    said, left = done.stdout.splitlines()
    assert f"{tmp_path}/data/inbox is not mounted, and its ledger is not here" in said, done.stderr
    assert left == "[]"


@pytest.fixture
def world(tmp_path: Path) -> SimulatedInbox:
    return SimulatedInbox(tmp_path)


def test_an_inbox_that_goes_while_it_is_watched_is_named_and_its_mount_point_left_alone(
    world: SimulatedInbox,
) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    watcher.scan()
    away = world.inbox.rename(world.folder / "away")
    with pytest.raises(TransientError, match=rf"{world.inbox}: can't be read"):
        watcher.scan()
    world.inbox.mkdir()  # the mount point
    (world.inbox / "b.wav").touch()
    with pytest.raises(TransientError, match=rf"{world.inbox}: no longer the folder that is watched"):
        watcher.scan()
    assert watcher.is_displaced()
    assert [f.name for f in world.inbox.iterdir()] == ["b.wav"]
    shutil.rmtree(world.inbox)
    away.rename(world.inbox)
    assert not watcher.is_displaced()
    world.now += 10
    assert [str(c.path) for c in watcher.scan().ready] == ["a.wav"]


@pytest.mark.parametrize("stub", [False, True])
def test_a_ledger_that_cannot_be_written_names_the_folder_that_is_gone(world: SimulatedInbox, stub: bool) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    world.inbox.rename(world.folder / "away")
    if stub:
        world.inbox.mkdir()
    with pytest.raises(TransientError) as gone:
        watcher.release(claim)
    assert str(gone.value).startswith(f"{world.inbox}: ")
    assert "Is its disk mounted?" in str(gone.value)
    assert "full" not in str(gone.value)


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.ESTALE, errno.EIO])
def test_a_share_that_answers_no_more_is_a_passing_fault(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    watcher = world.watcher()

    def gone(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", gone)
        for act in (watcher.scan, watcher.recover, lambda: list_claims(world.inbox)):
            with pytest.raises(TransientError, match=rf"{world.inbox}: can't be read \(.*\)\. Is its disk there\?"):
                act()
