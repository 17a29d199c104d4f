"""A shared/exclusive (readers-writer) lock between threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedExclusiveLock:
    """Any number of threads may hold `shared` at once; `exclusive` excludes all others. A waiting exclusive holder
    has priority: no new shared holder is admitted meanwhile."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._num_shared = 0
        self._waiting = 0
        self._is_exclusive = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not (self._is_exclusive or self._waiting))
            self._num_shared += 1
        try:
            yield
        finally:
            with self._changed:
                self._num_shared -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not (self._is_exclusive or self._num_shared))
            finally:
                self._waiting -= 1
                self._changed.notify_all()
            self._is_exclusive = True
        try:
            yield
        finally:
            with self._changed:
                self._is_exclusive = False
                self._changed.notify_all()
