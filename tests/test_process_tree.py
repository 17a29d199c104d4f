"""The processes below this one, however deep, are found and ended."""

from __future__ import annotations

import subprocess
import sys

from tasks.process_tree import find_descendants, is_running, terminate


def test_children_of_children_are_found_and_ended() -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(99)"
    )
    parent = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {stubborn!r}], stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        below = [pid for pid in find_descendants() if pid in (process.pid, grandchild)]
        assert below == [process.pid, grandchild]
        terminate(below, grace_s=0.5)
        assert not is_running(grandchild)
        assert not is_running(process.pid)
