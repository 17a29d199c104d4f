"""The processes that this one has started, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import defaultdict
from pathlib import Path

from tasks.processes import read_stat


def find_descendants(of: int | None = None) -> list[int]:
    """Ids of the processes below this one (or below `of`), the nearest first."""
    below: dict[int, list[int]] = defaultdict(list)
    for pid, parent in _list_processes():
        below[parent].append(pid)
    found = list(below[of or os.getpid()])
    for pid in found:
        found += below[pid]
    return found


def terminate(pids: list[int], grace_s: float = 3.0) -> None:
    """Ask the processes to end; kill what is left after `grace_s` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        until = time.monotonic() + grace_s
        while time.monotonic() < until and any(map(is_running, pids)):
            time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether the process does anything still; a child of ours that has ended is let go of."""
    with contextlib.suppress(ChildProcessError):
        # Our own child stays a zombie until it is waited for.
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = read_stat(pid)
    return stat is None or stat[0] != "Z"


def _list_processes() -> list[tuple[int, int]]:
    """(id, parent's id) of all processes."""
    if Path("/proc/self/stat").exists():
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [(pid, int(stat[1])) for pid in pids if (stat := read_stat(pid)) is not None]
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False)
    return [(int(pid), int(parent)) for pid, parent in (line.split() for line in listed.stdout.splitlines())]
