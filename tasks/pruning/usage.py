"""Record the use of the cache: the records that each recording's last run used, and the runs that are running."""

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

REMOTE_TIMEOUT_S = 7 * 24 * 3600.0
"""How long a run on another machine, or with an unreadable mark, counts as running: its process cannot be checked."""

FILES_LAG_S = 2.0
"""How far a file's modification time may lag behind the clock: its resolution is ticks, on some disks seconds."""


def record_usage(folder: Path, recording_id: str, keys: Collection[str]) -> None:
    """Write which records the recording's run used."""
    _write(folder / f"{recording_id}.json", json.dumps(sorted(keys)))


@contextmanager
def track_usage(
    folder: Path, recording_id: str, keys: Callable[[], Collection[str]]
) -> Iterator[Callable[[Collection[str]], None]]:
    """Record which records the block used: exactly those if it succeeds, else also those recorded before, which the
    next run continues with. The yielded function records those used so far: a run that is killed, or whose disk is
    full, cannot record anything at its end.

    An error in writing (a full disk) is logged and does not fail the run.
    """
    before = read_usage(folder, recording_id)
    writing, over = threading.Lock(), False

    def record_so_far(used: Collection[str]) -> None:
        with writing, suppress(OSError):  # written again at the end
            if not over and not before.issuperset(used):
                record_usage(folder, recording_id, {*before, *used})

    stay = before
    try:
        yield record_so_far
        stay = frozenset()
    finally:
        with writing:
            over = True
        try:
            record_usage(folder, recording_id, {*stay, *keys()})
        except OSError as error:
            log.warning("%s: what of the cache it used is not noted (%s)", recording_id, error)


def read_all_usage(folder: Path) -> dict[str, frozenset[str]]:
    """Read the records of each recording, by its id, skipping unreadable files."""
    read = ((file.stem, _read_keys(file)) for file in sorted(folder.glob("[!.]*.json")))
    return {name: keys for name, keys in read if keys is not None}


def read_usage(folder: Path, recording_id: str) -> frozenset[str]:
    """Read the records of one recording; none where there is no file, or an unreadable one."""
    return _read_keys(folder / f"{recording_id}.json") or frozenset()


def _read_keys(file: Path) -> frozenset[str] | None:
    try:
        return frozenset(map(str, json.loads(file.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return None


def delete_usage(folder: Path, recordings: Collection[str]) -> None:
    for name in recordings:
        (folder / f"{name}.json").unlink(missing_ok=True)


@contextmanager
def mark_running(folder: Path) -> Iterator[None]:
    """Keep a mark that a run is running, for the duration of the block."""
    me = Process.this()
    mark = folder / f"{me.host}-{me.pid}-{uuid.uuid4().hex[:8]}.json"
    since = time.time() - FILES_LAG_S
    _write(mark, json.dumps({"host": me.host, "pid": me.pid, "born": me.born, "since": since}))
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def find_oldest_run_start(folder: Path) -> float | None:
    """Find the start of the oldest running run, seconds since the epoch; None where there is none.

    Removes marks of dead runs.
    """
    begun = []
    for mark in folder.glob("*.json"):
        try:
            process, since = _read_mark(mark)
        except FileNotFoundError:
            continue
        if process is not None and process.host == socket.gethostname():
            ended = process.is_gone
        else:
            ended = time.time() - since > REMOTE_TIMEOUT_S
        if ended:
            mark.unlink(missing_ok=True)
        else:
            begun.append(since)
    return min(begun, default=None)


def _read_mark(mark: Path) -> tuple[Process | None, float]:
    """Read a mark's process and its start (seconds since the epoch); (None, the mark's modification time) for an
    unreadable one. Raises `FileNotFoundError`."""
    try:
        content = json.loads(mark.read_text(encoding="utf-8"))
        # Marks of earlier versions have no start time of the process.
        process = Process(str(content["host"]), int(content["pid"]), str(content.get("born", "")))
        return process, float(content["since"])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None, mark.stat().st_mtime


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text, durable=False)  # written often; losing it costs a pruned result, no more
