"""What a process and all that it has started take of memory, read from /proc: Linux alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

SERVER = b"uvicorn"
"""In the command line of Prefect's own server."""


def programs(pid: int) -> list[tuple[int, bytes]]:
    """Id and command line of the process and of all below, but those that have not become a program of their own yet:
    between fork and exec a process shows its parent's memory."""
    found: list[tuple[int, bytes]] = []
    above: dict[int, bytes] = {}
    for each, parent in [(pid, 0), *_below(pid)]:
        with suppress(OSError):
            above[each] = Path(f"/proc/{each}/cmdline").read_bytes()
            if above[each] != above.get(parent):
                found.append((each, above[each]))
    return found


def _below(pid: int) -> list[tuple[int, int]]:
    """(id, its parent's) of all processes below."""
    found: list[tuple[int, int]] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended meanwhile
            found += [(int(p), pid) for p in task.read_text().split()]
    return found + [pair for child, _ in found for pair in _below(child)]


def resident_mb(pid: int | None = None) -> float:
    """Of a process (this one), now, MiB; 0 where it is gone."""
    return _status_mb(Path(f"/proc/{pid or 'self'}/status"), "VmRSS:")


def peak_mb(pid: int | None = None) -> float:
    """The most that a process (this one) had resident since its program started, MiB; 0 where it is gone.

    Not `ru_maxrss`: that one remembers what the parent had when it forked.
    """
    return _status_mb(Path(f"/proc/{pid or 'self'}/status"), "VmHWM:")


def _status_mb(file: Path, name: str) -> float:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)
