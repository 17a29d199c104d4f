"""A process that has ended."""

from __future__ import annotations

import subprocess
import sys

from tasks.processes import Process, read_birth


def make_dead_process() -> Process:
    """Start a process and wait until it has ended; returns its identity."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process(Process.this().host, child.pid, read_birth(child.pid) or "")
    child.communicate(b"\n")
    return process
