"""Who uses the cache: which records each recording's last run used, and which runs are under way."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("daylong.pruning")

ABROAD_S = 7 * 24 * 3600.0
"""A run on another machine counts as under way for so long: its process can't be looked at."""


def note(folder: Path, recording_id: str, keys: Collection[str]) -> None:
    """Keep which records the recording's run used."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{uuid.uuid4().hex}.part"
    try:
        aside.write_text(json.dumps(sorted(keys)), encoding="utf-8")
        os.replace(aside, folder / f"{recording_id}.json")
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def noting(folder: Path, recording_id: str, keys: Callable[[], Collection[str]]) -> Iterator[None]:
    """Keep which records the block used: all that its run needs where it ends well, else those of before, too, since
    the next run goes on with them.

    Where that can't be written (a full disk), the run is what it is all the same, and the log says so.
    """
    before: Collection[str] = noted(folder).get(recording_id, frozenset())
    try:
        yield
        before = ()
    finally:
        try:
            note(folder, recording_id, {*before, *keys()})
        except OSError as error:
            log.warning("%s: what of the cache it used is not noted (%s)", recording_id, error)


def noted(folder: Path) -> dict[str, frozenset[str]]:
    """The records of each recording, by its id. What can't be read is left away."""
    found = {}
    for file in sorted(folder.glob("[!.]*.json")):
        try:
            found[file.stem] = frozenset(map(str, json.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return found


def forget(folder: Path, recordings: Collection[str]) -> None:
    for name in recordings:
        (folder / f"{name}.json").unlink(missing_ok=True)


@contextmanager
def under_way(folder: Path) -> Iterator[None]:
    """Say that a run is under way, for as long as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
    mark.write_text(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}))
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
            told = json.loads(mark.read_text(encoding="utf-8"))
            host, pid, since = str(told["host"]), int(told["pid"]), float(told["since"])
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError):
            host, pid, since = "", 0, 0.0
        here = host == socket.gethostname()
        if _alive(pid) if here else time.time() - since < ABROAD_S:
            begun.append(since)
        else:
            mark.unlink(missing_ok=True)
    return min(begun, default=None)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
