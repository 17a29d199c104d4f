"""All files of a recording replaced as one, whatever moment the process or the machine dies at.

    <out>/.journal/lock                           held while a publication, or a recovery, changes anything
    <out>/.journal/<recording_id>.<n>.aside/…     the new files, under names that no reader looks for
    <out>/.journal/<recording_id>.json            the plan: which of them goes where, what is to be removed

1. The new files are written aside and flushed. Until the plan exists nothing that readers see has changed:
   whoever finds new files without a plan removes them (rolled back).
2. Where something is in the way of the plan (a folder stands in a file's place, …) it is dropped, and nothing has
   changed. Else it is written aside, flushed and renamed: from here on the publication will happen. The rename also
   replaces a plan of the same recording that couldn't be finished; each has a folder of new files of its own, so
   whichever is found, all it puts in place is of one run.
3. The plan is carried out: the old `recordings` rows are removed, then the new tables and exports take their
   places, then files in partitions that the recording has left, and exports no longer written, are removed, and the
   new `recordings` row is moved in. Every act can be repeated: whoever finds a plan carries it out again from its
   start (rolled forward).
4. The plan is removed, then the folder of new files.

So a reader finds a `recordings` row only while the tables belong to it. During (3) the row is absent: for some
tenths of a second, or until the next start if the process died there. A reader that read the row before
and a table after sees another `run_id` in the table.

The lock is the system's own (flock), so it ends with its holder: whatever lies in `.journal` while one holds it was
left by a process that is dead. New files are staged here and not beside their targets, as `atomic.py` does it for a
single file: none may get its name before the plan exists, and recovery has to find them all.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.errors import TransientError
from tasks.storage import files, journal_plan
from tasks.storage.journal_plan import Plan

FOLDER = ".journal"
LOCK_PATIENCE_S = 120.0
COMMIT_TABLE = "recordings"
STAGING_SUFFIX = re.compile(r"(\.[0-9a-f]{12})?\.aside$")

log = logging.getLogger(__name__)


@contextmanager
def lock_journal(out: Path, patience_s: float | None = None) -> Iterator[Path]:
    """The journal's folder, alone in it. TransientError where another process holds it for `patience_s` (two minutes
    where nothing is said)."""
    patience_s = LOCK_PATIENCE_S if patience_s is None else patience_s
    folder = out / FOLDER
    files.make_folder(folder)
    lock = FileLock(folder / "lock", patience_s, poll_interval=0.02, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise TransientError(
            f"{out}: another process has been writing into this folder for {patience_s:.0f} s; "
            "try again when it is done."
        ) from None
    try:
        yield folder
    finally:
        lock.release()


def commit_publication(
    folder: Path, recording_id: str, contents: Mapping[Path, bytes], leaving: Sequence[Path]
) -> None:
    """Put `contents` (by path relative to the dataset) in place and remove `leaving`, as one. Needs the lock.

    A plan of this recording that could not be finished is replaced by this one: `leaving` has to name all that such a
    plan may have put in place.

    Raises TransientError where something in the dataset is in the way; then nothing in it has changed.
    """
    aside, plan_path = folder / f"{recording_id}.{uuid.uuid4().hex[:12]}.aside", folder / f"{recording_id}.json"
    moves = tuple((str(number), target.as_posix()) for number, target in enumerate(contents))
    plan = Plan(recording_id, aside.name, moves, tuple(p.as_posix() for p in leaving))
    try:
        files.make_folder(aside)
        for (name, _), data in zip(plan.moves, contents.values(), strict=True):
            files.write_durably(aside / name, data)
        files.write_durably(aside / "plan", plan.text())
        files.sync_folders([aside])
        journal_plan.check_plan(folder, plan)
    except (OSError, TransientError) as err:
        with suppress(OSError):
            files.remove_folder(aside)  # a full disk should not be kept full
        if isinstance(err, TransientError):
            raise type(err)(f"{err}, then run it again. What was published before is as it was.") from None
        raise
    replaced = _read_staging_folder(plan_path)
    files.move(aside / "plan", plan_path)
    files.sync_folders([folder])
    if replaced is not None:
        with suppress(OSError):
            files.remove_folder(folder / replaced)
    _carry_out(folder, plan)


def recover(folder: Path) -> list[str]:
    """Finish what dead processes began; a line for each recording: rolled forward, rolled back, or why neither can be
    now. Needs the lock.

    Only what is ours is touched: other files and folders, which a NAS may leave anywhere, stay and stop nobody.
    """
    done, kept, damaged = [], [], set()
    for path in _list_plans(folder):
        plan = None
        try:
            plan = journal_plan.read_plan(path)
            _carry_out(folder, plan)
            done.append(f"{plan.recording_id}: publication finished after an interruption.")
        except journal_plan.DamagedPlan as err:
            # Plans are renamed into place whole: somebody else wrote this one, or the disk is failing. The
            # `recordings` row was the first to go, so nothing incomplete looks complete.
            with suppress(OSError):
                files.remove(path)
            damaged.add(path.stem)
            done.append(
                f"{path.stem}: the journal of its publication is damaged ({path}: {err}). It is removed and was not "
                "followed; process the recording again."
            )
            log.warning("%s", done[-1])
        except (OSError, TransientError) as err:
            kept.append(plan.aside if plan else f"{path.stem}.")
            done.append(f"{path.stem}: its publication could not be finished ({err}); the next start tries again.")
            log.warning("%s", done[-1])
    for draft in folder.glob("*.draft"):
        with suppress(OSError):
            files.remove(draft)
    for aside in sorted(folder.glob("*.aside")):
        if aside.is_dir() and not aside.is_symlink() and not aside.name.startswith((".", *kept)):
            with suppress(OSError):
                files.remove_folder(aside)
            if (recording_id := STAGING_SUFFIX.sub("", aside.name)) not in damaged:
                done.append(f"{recording_id}: an interrupted publication was undone.")
    return done


def finish_plan(folder: Path, name: str) -> None:
    """Carry out the plan of that name, if `recover` had to leave it: for who acts on what it changes, and would act
    on half of it. Needs the lock. Raises TransientError for what is in the way, OSError where the disk fails."""
    path = folder / f"{name}.json"
    if path.is_file():
        try:
            _carry_out(folder, journal_plan.read_plan(path))
        except TransientError as err:
            raise type(err)(f"{err}, then run it again: a change of {name} is half done.") from None


def _list_plans(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.glob("*.json")) if p.is_file() and not p.name.startswith(".")]


def _read_staging_folder(plan_path: Path) -> str | None:
    try:
        return journal_plan.read_plan(plan_path).aside
    except (OSError, journal_plan.DamagedPlan):  # none there; or the next start finds its folder
        return None


def _carry_out(folder: Path, plan: Plan) -> None:
    journal_plan.check_plan(folder, plan)
    out, aside = folder.parent, folder / plan.aside
    moves, removals = [(a, Path(t)) for a, t in plan.moves], [Path(p) for p in plan.removals]
    last = [(a, t) for a, t in moves if t.parts[0] == COMMIT_TABLE]
    first = [(a, t) for a, t in moves if t.parts[0] != COMMIT_TABLE]

    if any((aside / name).exists() for name, _ in last):  # else the row is in place already: nothing of it may go
        rows = [out / t for _, t in last] + [out / p for p in removals if p.parts[0] == COMMIT_TABLE]
        for row in rows:
            files.remove(row)
        files.sync_folders(row.parent for row in rows)
    for name, target in first:
        _move_if_present(aside / name, out / target)
    for path in removals:
        files.remove(out / path)
        files.remove_empty_folder((out / path).parent)
    files.sync_folders((out / path).parent for path in (*(t for _, t in first), *removals))
    for name, target in last:
        _move_if_present(aside / name, out / target)
    files.sync_folders((out / t).parent for _, t in last)
    files.remove(folder / f"{plan.recording_id}.json")
    files.sync_folders([folder])  # a plan without its folder would be taken for damaged
    with suppress(OSError):  # it is done: what is left of the folder goes at the next start
        files.remove_folder(aside)


def _move_if_present(source: Path, target: Path) -> None:
    if source.exists():  # else it is in its place already
        files.move(source, target)
