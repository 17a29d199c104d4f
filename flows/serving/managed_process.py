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

KEPT_LINES = 20
"""Number of last output lines kept, which are reported if the process dies."""
PR_SET_CHILD_SUBREAPER = 36


class ManagedProcess:
    """A child process; `on_line` is called with every line that it or its own children write."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
        folder: str | None = None,
    ) -> None:
        """`folder`: its working directory; by default ours."""
        self.name = name
        self.last: deque[str] = deque(maxlen=KEPT_LINES)
        self._on_line = on_line
        self.process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C signals the terminal's whole foreground group; in a session of its own, we end it in our order.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read_output, name=f"{name}-output", daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def read_rest(self, limit_s: float = 2.0) -> None:
        """Wait, up to so many seconds, until all that an ended process has written is read."""
        self._reader.join(limit_s)

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.last.append(line.rstrip("\n"))
            with contextlib.suppress(Exception):  # a failing handler must not block the child
                self._on_line(line.rstrip("\n"))


def reap(exclude: Collection[int]) -> None:
    """Reap adopted processes that have ended, but those in `exclude`, which are waited for elsewhere."""
    for pid in find_descendants():
        if pid not in exclude:
            with contextlib.suppress(ChildProcessError):  # it is a child of a child
                os.waitpid(pid, os.WNOHANG)


def adopt_orphans() -> None:
    """On Linux, adopt descendants whose parent dies, so that the runs of a killed worker end with `daylong up`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
