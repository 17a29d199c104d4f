"""A process that `daylong up` starts and watches."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

from tasks.process_tree import find_descendants

REMEMBERED = 20
"""Lines of what it said last, told if it dies."""
BECOME_SUBREAPER = 36


class Child:
    """A child process; `hear` is called with every line that it or its own children write."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], hear: Callable[[str], None]
    ) -> None:
        self.name = name
        self.last: deque[str] = deque(maxlen=REMEMBERED)
        self._hear = hear
        self.process = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C reaches everything that the terminal's foreground holds: the order of ending is ours to say.
            start_new_session=True,
        )
        threading.Thread(target=self._listen, name=f"{name}-output", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.last.append(line.rstrip("\n"))
            with contextlib.suppress(Exception):  # a reader that has gone must not block the child
                self._hear(line.rstrip("\n"))


def reap(but: Collection[int]) -> None:
    """Let go of adopted processes that have ended; those in `but` are waited for elsewhere."""
    for pid in find_descendants():
        if pid not in but:
            with contextlib.suppress(ChildProcessError):  # it is a child of a child
                os.waitpid(pid, os.WNOHANG)


def adopt_orphans() -> None:
    """From now on, processes below this one whose parent dies become its own children, on Linux: a worker that is
    killed leaves its runs behind, and they have to end with `daylong up`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(BECOME_SUBREAPER, 1, 0, 0, 0)
