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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that is running.

    `since`: its start, seconds since the epoch; `recording_id`: the recording it works on, None where that isn't
    known (yet); `keys`: the records that it has asked for so far, None where that isn't known.
    """

    since: float
    recording_id: str | None = None
    keys: frozenset[str] | None = None

    def may_use(self, key: str, used_at: float) -> bool:
        """Whether the run may use a record, last used at `used_at`, without asking for it again."""
        return used_at >= self.since if self.keys is None else key in self.keys

    def may_work_on(self, recording_id: str) -> bool:
        return self.recording_id in (None, recording_id)


class RunMark:
    """The mark of a running run: a file `<name>.json`, and beside it `<name>.keys`, a record's key a line."""

    def __init__(self, file: Path, content: dict[str, Any]) -> None:
        self._file, self._content = file, content
        self._keys, self._is_exact = file.with_suffix(".keys"), True

    def name_recording(self, recording_id: str) -> None:
        """State the recording that the run works on. From now on only the records noted are taken for in use."""
        with suppress(OSError):  # without it, whatever was used since the run's start is taken for in use
            self._keys.touch()
            _write(self._file, json.dumps({**self._content, "recording_id": recording_id}))

    def note_key(self, key: str) -> None:
        """Note a record before it is looked at: what is erased meanwhile is looked up afterwards, and not found."""
        if not self._is_exact:
            return
        try:
            with self._keys.open("a", encoding="utf-8") as file:
                file.write(f"{key}\n")
        except OSError:  # a full disk: an incomplete note must not be taken for a complete one
            self._is_exact = False
            self._keys.unlink(missing_ok=True)


@contextmanager
def mark_running(folder: Path) -> Iterator[RunMark]:
    """Keep a mark that a run is running, for the duration of the block."""
    me = Process.this()
    mark = folder / f"{me.host}-{me.pid}-{uuid.uuid4().hex[:8]}.json"
    content = {"host": me.host, "pid": me.pid, "born": me.born, "since": time.time() - FILES_LAG_S}
    _write(mark, json.dumps(content))
    try:
        yield RunMark(mark, content)
    finally:
        _remove_mark(mark)


def find_oldest_run_start(folder: Path) -> float | None:
    """Find the start of the oldest running run, seconds since the epoch; None where there is none.

    Removes marks of dead runs.
    """
    return min((run.since for run in read_live_runs(folder)), default=None)


def read_live_runs(folder: Path) -> list[LiveRun]:
    """Read which runs are running. Removes marks of dead runs."""
    live = []
    for mark in folder.glob("*.json"):
        try:
            process, run = _read_mark(mark)
        except FileNotFoundError:
            continue
        if process is not None and process.host == socket.gethostname():
            ended = process.is_gone
        else:
            ended = time.time() - run.since > REMOTE_TIMEOUT_S
        if ended:
            _remove_mark(mark)
        else:
            live.append(run)
    return live


def _read_mark(mark: Path) -> tuple[Process | None, LiveRun]:
    """Read a mark's process and run; for an unreadable one None, and a run since the mark's modification time.
    Raises `FileNotFoundError`."""
    try:
        content = json.loads(mark.read_text(encoding="utf-8"))
        # Marks of earlier versions have no start time of the process, and no recording.
        process = Process(str(content["host"]), int(content["pid"]), str(content.get("born", "")))
        since, recording_id = float(content["since"]), content.get("recording_id")
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None, LiveRun(mark.stat().st_mtime)
    if not isinstance(recording_id, str):
        return process, LiveRun(since)
    try:
        keys = frozenset(mark.with_suffix(".keys").read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError):
        return process, LiveRun(since, recording_id)
    return process, LiveRun(since, recording_id, keys)


def _remove_mark(mark: Path) -> None:
    mark.unlink(missing_ok=True)
    mark.with_suffix(".keys").unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text, durable=False)  # written often; losing it costs a pruned result, no more
