"""Bytes that are counted together: by one process, or by several that have one file open."""

from __future__ import annotations

import fcntl
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager

NUMBER = "q"
SIZE = array(NUMBER).itemsize


class Tally:
    """The count of one process."""

    def __init__(self) -> None:
        self._own = 0

    def total(self) -> int:
        return self._own

    def add(self, size: int) -> None:
        self._own += size

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else adds during the block, if all who add use it."""
        yield


class SharedTally(Tally):
    """The count of several processes: a file with a number for each, which that process alone writes.

    A process that was killed leaves its number; whoever takes its place begins with 0 there.
    """

    def __init__(self, descriptor: int, place: int, places: int) -> None:
        super().__init__()
        self._descriptor, self._place, self._places = descriptor, place, places
        self._write()

    def total(self) -> int:
        numbers = array(NUMBER, os.pread(self._descriptor, SIZE * self._places, 0))
        return sum(numbers)

    def add(self, size: int) -> None:
        super().add(size)
        self._write()

    @contextmanager
    def locked(self) -> Iterator[None]:
        # A lock of POSIX, which ends with its process: flock's would be held by all who inherited the descriptor.
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _write(self) -> None:
        os.pwrite(self._descriptor, array(NUMBER, [self._own]).tobytes(), SIZE * self._place)
