"""Who uses the cache: which records each recording's last run used, and which runs are under way."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.processes import Process
from tasks.storage.atomic import write_atomically

log = logging.getLogger("daylong.pruning")

ABROAD_S = 7 * 24 * 3600.0
"""A run on another machine, or whose mark can't be read, counts as under way for so long: its process can't be looked
at."""

FILES_LAG_S = 2.0
"""So far behind the clock the time may be at which a file was used: it goes by ticks, on some disks by seconds."""


def note(folder: Path, recording_id: str, keys: Collection[str]) -> None:
    """Keep which records the recording's run used."""
    _write(folder / f"{recording_id}.json", json.dumps(sorted(keys)))


@contextmanager
def noting(
    folder: Path, recording_id: str, keys: Callable[[], Collection[str]]
) -> Iterator[Callable[[Collection[str]], None]]:
    """Keep which records the block used: all that its run needs where it ends well, else those of before, too, since
    the next run goes on with them. What it has used so far may be told to what is given: a run that is killed, or
    whose disk is full, can't note anything at its end.

    Where that can't be written (a full disk), the run is what it is all the same, and the log says so.
    """
    before = noted_of(folder, recording_id)
    writing, over = threading.Lock(), False

    def so_far(used: Collection[str]) -> None:
        with writing, suppress(OSError):  # the end will tell
            if not over and not before.issuperset(used):
                note(folder, recording_id, {*before, *used})

    stay = before
    try:
        yield so_far
        stay = frozenset()
    finally:
        with writing:
            over = True
        try:
            note(folder, recording_id, {*stay, *keys()})
        except OSError as error:
            log.warning("%s: what of the cache it used is not noted (%s)", recording_id, error)


def noted(folder: Path) -> dict[str, frozenset[str]]:
    """The records of each recording, by its id. What can't be read is left away."""
    read = ((file.stem, _noted(file)) for file in sorted(folder.glob("[!.]*.json")))
    return {name: keys for name, keys in read if keys is not None}


def noted_of(folder: Path, recording_id: str) -> frozenset[str]:
    """The records of one recording; none where nothing is noted, or that can't be read."""
    return _noted(folder / f"{recording_id}.json") or frozenset()


def _noted(file: Path) -> frozenset[str] | None:
    try:
        return frozenset(map(str, json.loads(file.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return None


def forget(folder: Path, recordings: Collection[str]) -> None:
    for name in recordings:
        (folder / f"{name}.json").unlink(missing_ok=True)


@contextmanager
def under_way(folder: Path) -> Iterator[None]:
    """Say that a run is under way, for as long as it is."""
    me = Process.this()
    mark = folder / f"{me.host}-{me.pid}-{uuid.uuid4().hex[:8]}.json"
    since = time.time() - FILES_LAG_S
    _write(mark, json.dumps({"host": me.host, "pid": me.pid, "born": me.born, "since": since}))
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def in_use_since(folder: Path) -> float | None:
    """When the oldest run that is under way began, seconds since the epoch; None where there is none.

    Marks of runs that died are removed.
    """
    begun = []
    for mark in folder.glob("*.json"):
        try:
            process, since = _told(mark)
        except FileNotFoundError:
            continue
        if process is not None and process.host == socket.gethostname():
            ended = process.is_gone
        else:
            ended = time.time() - since > ABROAD_S
        if ended:
            mark.unlink(missing_ok=True)
        else:
            begun.append(since)
    return min(begun, default=None)


def _told(mark: Path) -> tuple[Process | None, float]:
    """Whose mark it is, and since when (seconds since the epoch). One that can't be read is nobody's that is known,
    since the mark was made. Raises `FileNotFoundError`."""
    try:
        told = json.loads(mark.read_text(encoding="utf-8"))
        # Marks of earlier versions don't tell when the process began.
        process = Process(str(told["host"]), int(told["pid"]), str(told.get("born", "")))
        return process, float(told["since"])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None, mark.stat().st_mtime


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text, durable=False)  # written often; losing it costs a pruned result, no more
