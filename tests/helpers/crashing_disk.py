"""A simulated disk on which the process is killed, or an error occurs, at a chosen operation."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks.storage import files

STRIDE = 6
every_operation = pytest.mark.parametrize(
    "begin", [0, *(pytest.param(begin, marks=pytest.mark.sweep) for begin in range(1, STRIDE))]
)
"""Parametrizes a test with the first operation, `begin`, of those that it tries: `begin`, `begin + STRIDE`, …

`make test` tries every sixth, sweeps the others.
"""


class SimulatedKill(BaseException):
    """Stands for SIGKILL: once raised, no operation on files succeeds any more, so that nothing can be cleaned up."""


class CrashingDisk:
    """Counts operations on files. From number `fatal` on all raise SimulatedKill; or that one ENOSPC (`error`)."""

    def __init__(self, patch: pytest.MonkeyPatch, fatal: int | None, error: bool = False) -> None:
        self.count, self.fatal, self.error = 0, fatal, error
        for name in ("replace", "unlink", "rmdir", "mkdir", "fsync"):
            patch.setattr(os, name, self.count_operations(getattr(os, name), name))
        patch.setattr(files, "open", self.count_operations(open, "open"), raising=False)

    def count_operations(self, act: Callable[..., Any], name: str) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            number, self.count = self.count, self.count + 1
            if self.fatal is not None and (number == self.fatal or (number > self.fatal and not self.error)):
                if name == "fsync":
                    self.truncate_unflushed(args[0])
                if self.error:
                    raise OSError(errno.ENOSPC, "No space left on device")
                raise SimulatedKill
            return act(*args, **kwargs)

        return operation

    @staticmethod
    def truncate_unflushed(handle: int) -> None:
        """Truncate the file to half its size, as an interrupted flush may."""
        if os.path.isfile(f"/proc/self/fd/{handle}"):
            os.ftruncate(handle, os.fstat(handle).st_size // 2)


@pytest.fixture(autouse=True, scope="module")
def without_fsync() -> Iterator[None]:
    """Replace os.fsync, which is slow and matters only when the power fails. For modules that import this fixture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@contextmanager
def make_memory_folder() -> Iterator[Path]:
    """A temporary folder, in memory where the system has /dev/shm: tests write some thousand small files."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)
