"""All files of a recording replaced as one, whatever moment the process or the machine dies at.

    <out>/.journal/lock                           held while a publication, or a recovery, changes anything
    <out>/.journal/<recording_id>.aside/0, 1, …   the new files, under names that no reader looks for
    <out>/.journal/<recording_id>.json            the plan: which of them goes where, what is to be removed

1. The new files are written aside and flushed. Until the plan exists nothing that readers see has changed:
   whoever finds new files without a plan removes them (rolled back).
2. The plan is written aside, flushed and renamed: from here on the publication will happen.
3. The plan is carried out: the old `recordings` rows are removed, then the new tables and exports take their
   places, then files in partitions that the recording has left, and exports no longer written, are removed, and the
   new `recordings` row is moved in. Every act can be repeated: whoever finds a plan carries it out again from its
   start (rolled forward).
4. The plan is removed, then the folder of new files.

So a reader finds a `recordings` row only while the tables belong to it. During (3) the row is absent: for some
tenths of a second, or until the next start if the process died there. A reader that read the row before
and a table after sees another `run_id` in the table.

The lock is the system's own (flock), so it ends with its holder: whatever lies in `.journal` while one holds it was
left by a process that is dead.
"""

from __future__ import annotations

import fcntl
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tasks import files
from tasks.errors import TransientError

FOLDER = ".journal"
LOCK_PATIENCE_S = 120.0
COMMIT_TABLE = "recordings"

log = logging.getLogger(__name__)


@contextmanager
def locked(out: Path, patience_s: float | None = None) -> Iterator[Path]:
    """The journal's folder, alone in it. TransientError where another process holds it for `patience_s` (two minutes
    where nothing is said)."""
    patience_s = LOCK_PATIENCE_S if patience_s is None else patience_s
    folder = out / FOLDER
    files.make_folder(folder)
    with open(folder / "lock", "ab") as lock:
        give_up = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise TransientError(
                        f"{out}: another process has been writing into this folder for {patience_s:.0f} s; "
                        "try again when it is done."
                    ) from None
                time.sleep(0.02)
        yield folder


def commit(folder: Path, recording_id: str, contents: Mapping[Path, bytes], leaving: Sequence[Path]) -> None:
    """Put `contents` (by path relative to the dataset) in place and remove `leaving`, as one. Needs the lock."""
    aside, plan_path = folder / f"{recording_id}.aside", folder / f"{recording_id}.json"
    files.remove_folder_of_files(aside)
    files.make_folder(aside)
    moves = []
    try:
        for number, (target, data) in enumerate(contents.items()):
            files.write(aside / str(number), data)
            moves.append([str(number), target.as_posix()])
    except OSError:
        files.remove_folder_of_files(aside)  # a full disk should not be kept full
        raise
    files.sync_folders([aside])
    plan = {"recording_id": recording_id, "moves": moves, "removals": [p.as_posix() for p in leaving]}
    draft = folder / f"{recording_id}.draft"
    files.write(draft, json.dumps(plan).encode())
    files.move(draft, plan_path)
    files.sync_folders([folder])
    _carry_out(folder, plan_path)


def recover(folder: Path) -> list[str]:
    """Finish what dead processes began; a line for each recording that was rolled forward or back. Needs the lock."""
    done = []
    for plan in sorted(folder.glob("*.json")):
        try:
            recording_id = _carry_out(folder, plan)
        except (ValueError, KeyError, TypeError):
            # Plans are renamed into place whole: somebody else wrote this one, or the disk is failing. The
            # `recordings` row was the first to go, so nothing incomplete looks complete.
            files.remove_folder_of_files(folder / f"{plan.stem}.aside")
            files.remove(plan)
            done.append(f"{plan.stem}: the journal of its publication is damaged; process the recording again.")
        except OSError as err:
            log.warning("%s: its publication could not be finished (%s); the next start tries again.", plan.stem, err)
        else:
            done.append(f"{recording_id}: publication finished after an interruption.")
    for draft in folder.glob("*.draft"):
        files.remove(draft)
    for aside in sorted(folder.glob("*.aside")):
        recording_id = aside.name.removesuffix(".aside")
        if not (folder / f"{recording_id}.json").exists():
            files.remove_folder_of_files(aside)
            done.append(f"{recording_id}: an interrupted publication was undone.")
    return done


def _carry_out(folder: Path, plan_path: Path) -> str:
    out = folder.parent
    plan = json.loads(plan_path.read_bytes())
    recording_id, moves = str(plan["recording_id"]), [(str(a), Path(t)) for a, t in plan["moves"]]
    removals = [Path(p) for p in plan["removals"]]
    aside = folder / f"{recording_id}.aside"
    last = [(a, t) for a, t in moves if t.parts[0] == COMMIT_TABLE]
    first = [(a, t) for a, t in moves if t.parts[0] != COMMIT_TABLE]

    if any((aside / name).exists() for name, _ in last):  # else the row is in place already: nothing of it may go
        rows = [out / t for _, t in last] + [out / p for p in removals if p.parts[0] == COMMIT_TABLE]
        for row in rows:
            files.remove(row)
        files.sync_folders(row.parent for row in rows)
    for name, target in first:
        _place(aside / name, out / target)
    for path in removals:
        files.remove(out / path)
        files.remove_empty_folder((out / path).parent)
    files.sync_folders((out / path).parent for path in (*(t for _, t in first), *removals))
    for name, target in last:
        _place(aside / name, out / target)
    files.sync_folders((out / t).parent for _, t in last)
    files.remove(plan_path)
    files.remove_folder_of_files(aside)
    return recording_id


def _place(source: Path, target: Path) -> None:
    if source.exists():  # else it is in its place already
        files.move(source, target)
