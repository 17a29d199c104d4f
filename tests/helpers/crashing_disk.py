"""A disk on which a process dies, at any operation."""

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
"""Tests the operations `begin`, `begin + STRIDE`, …: every sixth is tried by `make test`, the others in a sweep."""


class Killed(BaseException):
    """Stands for SIGKILL: once raised, no operation on files succeeds any more, so that nothing can be cleaned up."""


class Disk:
    """Counts operations on files and lets the one numbered `fatal` fail: for good (killed), or once (an error)."""

    def __init__(self, patch: pytest.MonkeyPatch, fatal: int | None, error: bool = False) -> None:
        self.count, self.fatal, self.error = 0, fatal, error
        for name in ("replace", "unlink", "rmdir", "mkdir", "fsync"):
            patch.setattr(os, name, self.counted(getattr(os, name), name))
        patch.setattr(files, "open", self.counted(open, "open"), raising=False)

    def counted(self, act: Callable[..., Any], name: str) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            number, self.count = self.count, self.count + 1
            if self.fatal is not None and (number == self.fatal or (number > self.fatal and not self.error)):
                if name == "fsync":
                    self.tear(args[0])
                if self.error:
                    raise OSError(errno.ENOSPC, "No space left on device")
                raise Killed
            return act(*args, **kwargs)

        return operation

    @staticmethod
    def tear(handle: int) -> None:
        """What was not yet flushed is half lost."""
        if os.path.isfile(f"/proc/self/fd/{handle}"):
            os.ftruncate(handle, os.fstat(handle).st_size // 2)


@pytest.fixture(autouse=True, scope="module")
def no_flushing() -> Iterator[None]:
    """Flushing matters when the power fails, which is not shown here, and is slow. For modules that import it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@contextmanager
def quick_folder() -> Iterator[Path]:
    """In memory where the system has such a place: some thousand small files come and go."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)
