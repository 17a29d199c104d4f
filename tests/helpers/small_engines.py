"""Small engines for tests: real objects with real state, loaded by name as the large ones are."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tasks.engines.child import EngineProcess
from tasks.engines.engine import Engine
from tasks.errors import PermanentError


class Counter:
    """An engine that remembers how often it was loaded and called."""

    loaded = 0
    loading = 0
    most_loading = 0
    broken = ""
    """The error message of every use of this process's device, once the device has failed."""

    def __init__(self, step: int) -> None:
        kind = type(self)
        kind.loaded += 1
        kind.loading += 1
        kind.most_loading = max(kind.most_loading, kind.loading)
        time.sleep(0.01)
        kind.loading -= 1
        self.step = step
        self.total = 0
        self.inside = 0
        self.most_inside = 0

    def add(self, times: int = 1) -> int:
        self.use_device()
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        time.sleep(0.01)
        self.total += self.step * times
        self.inside -= 1
        return self.total

    def use_device(self) -> None:
        if Counter.broken:
            raise RuntimeError(Counter.broken)

    def break_device(self, words: str, told_after_s: float = 0.0) -> None:
        Counter.broken = words
        time.sleep(told_after_s)
        self.use_device()

    def fail(self, words: str) -> None:
        raise RuntimeError(words)

    def count_callers(self) -> int:
        return self.most_inside

    def double(self, values: np.ndarray) -> np.ndarray:
        return values * 2

    def pid(self) -> int:
        return os.getpid()

    def die(self) -> None:
        os._exit(7)

    def hang(self) -> None:
        time.sleep(60)

    def refuse(self) -> None:
        raise PermanentError("x.wav: not for me")

    def break_down(self, number: int) -> None:
        raise OSError(number, os.strerror(number), "weights.bin")

    def wait_and_add(self) -> int:
        time.sleep(1.0)
        return self.add()

    def return_unreadable(self) -> object:
        return UnreadableAnswer()

    def raise_unreadable(self) -> None:
        raise UnreadableError("one", "two")

    def return_too_large(self) -> object:
        return np.empty(1 << 60, np.uint8)

    def lock(self) -> object:
        return threading.Lock()

    def say(self, words: str) -> None:
        logging.getLogger("daylong.counter").warning("%s", words)

    def take(self, seconds: float) -> None:
        time.sleep(seconds)


class Environment:
    """The variables of the process that an engine is in."""

    def get(self, name: str) -> str | None:
        return os.environ.get(name)


class UnreadableAnswer:
    """An object that can be pickled but not unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_unreadable, ())


def _unreadable() -> None:
    raise ValueError("nobody can read this")


class UnreadableError(PermanentError):
    """An error that can be pickled but not unpickled: its arguments are not those of __init__."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def load_counter(step: int) -> Counter:
    return Counter(step)


def load_and_note(path: str, seconds: float = 0.0) -> Counter:
    """Add a line to a file, and take a while."""
    with open(path, "a", encoding="utf-8") as file:
        file.write("loaded\n")
    time.sleep(seconds)
    return Counter(1)


def load_without_memory() -> Counter:
    raise RuntimeError("CUDA failed with error out of memory")


def load_on_broken_device() -> Counter:
    raise RuntimeError("CUDA failed with error unknown error")


def load_damaged_weights() -> Counter:
    raise ValueError("not an archive\nat all")


def load_with_timeout() -> Counter:
    raise OSError(errno.ETIMEDOUT, "Connection timed out", "weights.bin")


def make_counter_engine(step: int = 1) -> Engine:
    return Engine.of(f"test/counter-{step}", "tests.helpers.small_engines:load_counter", step=step)


@contextmanager
def expect_repeated_call(child: EngineProcess) -> Iterator[None]:
    """Check that a call under way while the block ends the child is repeated and answered by another child."""
    child.call(make_counter_engine(1), "add")
    child.call(make_counter_engine(2), "add")
    answers: list[object] = []
    beside = threading.Thread(target=lambda: answers.append(child.call(make_counter_engine(1), "wait_and_add").value))
    beside.start()
    time.sleep(0.2)
    yield
    beside.join(60)
    assert answers == [1]  # the other child's engine counts from 0
