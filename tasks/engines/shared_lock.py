"""A shared/exclusive (readers-writer) lock between threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedExclusiveLock:
    """Any number of threads may hold `shared` at once; `exclusive` excludes all others. A waiting exclusive holder
    has priority: no new shared holder is admitted meanwhile."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._num_shared = 0
        self._num_waiting_exclusive = 0
        self._is_held_exclusively = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not (self._is_held_exclusively or self._num_waiting_exclusive))
            self._num_shared += 1
        try:
            yield
        finally:
            with self._condition:
                self._num_shared -= 1
                self._condition.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._condition:
            self._num_waiting_exclusive += 1
            try:
                self._condition.wait_for(lambda: not (self._is_held_exclusively or self._num_shared))
            finally:
                self._num_waiting_exclusive -= 1
                self._condition.notify_all()
            self._is_held_exclusively = True
        try:
            yield
        finally:
            with self._condition:
                self._is_held_exclusively = False
                self._condition.notify_all()
