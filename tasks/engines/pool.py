"""The engines of one process: each loaded once, locked during a call, unloaded to make room.

Arguments and values of calls are plain data and NumPy arrays, because they may have to cross to a child process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tasks.engines.device_errors import find_device_error, translate_device_errors
from tasks.engines.engine import LOAD, Call, Engine, Keep
from tasks.engines.memory import free_device_memory, is_out_of_memory, track_peak_memory, translate_memory_errors
from tasks.errors import DaylongError, MachineFault, is_transient

log = logging.getLogger("daylong.models")


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: Any = None
    used: float = 0.0
    """When its last call ended, by the monotonic clock."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class Pool:
    """The engines of one process. One that was not called for `idle_s` seconds is unloaded by `release_idle`."""

    keep: Keep = "all"
    idle_s: float | None = None
    _slots: dict[Engine, _Slot] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _one: threading.RLock = field(default_factory=threading.RLock)
    calls: int = 0

    def call(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
        """Run a method of an engine, loading the engine first if needed. Raises what the engine raises; out-of-memory
        and device errors of the libraries are translated into `OutOfMemory` and `DeviceBroken`."""
        with self._guard:
            slot = self._slots.setdefault(engine, _Slot())
        asked = time.perf_counter()
        with self._exclusive_if_one(), slot.lock:
            got = time.perf_counter()
            if slot.loaded is None:
                if self.keep == "one":
                    self._unload_others(engine)
                with _load_lock, translate_memory_errors(engine.name), translate_device_errors(engine.name):
                    slot.loaded = _load(engine)
            ready = time.perf_counter()
            with (
                translate_memory_errors(engine.name),
                translate_device_errors(engine.name),
                track_peak_memory() as peak_mb,
            ):
                try:
                    value = None if method == LOAD else getattr(slot.loaded, method)(*args, **kwargs)
                finally:
                    slot.used = time.monotonic()
                most_mb = peak_mb()
            done = time.perf_counter()
        with self._guard:
            self.calls += 1
        return Call(value, done - ready, got - asked, ready - got, most_mb)

    @contextmanager
    def _exclusive_if_one(self) -> Iterator[None]:
        # With one engine in memory at a time, calls of different engines must wait for each other too.
        if self.keep == "one":
            with self._one:
                yield
        else:
            yield

    def _unload_others(self, engine: Engine) -> None:
        for other, slot in list(self._slots.items()):
            if other != engine and slot.loaded is not None:
                log.info("unloading %s", other.name)
                slot.loaded = None
        free_device_memory()

    def release_idle(self, now: float | None = None) -> list[str]:
        """Unload the engines that have been idle for longer than `idle_s`, and return their names; none without it.
        `now`: of the monotonic clock."""
        if self.idle_s is None:
            return []
        now = time.monotonic() if now is None else now
        with self._guard:
            slots = list(self._slots.items())
        released = []
        for engine, slot in slots:
            if slot.loaded is None or now - slot.used <= self.idle_s or not slot.lock.acquire(blocking=False):
                continue
            try:
                slot.loaded = None
            finally:
                slot.lock.release()
            log.info("unloading %s, idle for %.0f s", engine.name, now - slot.used)
            released.append(engine.name)
        if released:
            free_device_memory()
        return released

    def unload(self) -> None:
        """Unload every engine; each is loaded again when next needed."""
        with self._guard:
            slots = list(self._slots.values())
        for slot in slots:
            with slot.lock:
                slot.loaded = None
        free_device_memory()


def _load(engine: Engine) -> Any:
    log.info("loading %s", engine.name)
    try:
        return engine.load()
    except DaylongError:
        raise
    except Exception as error:
        if is_transient(error) or is_out_of_memory(error) or find_device_error(error):
            raise
        said = next(iter(str(error).strip().splitlines()), "")
        raise MachineFault(
            f"{engine.name} can't be loaded ({type(error).__name__}: {said}). If its weights are damaged: "
            "daylong models fetch, with the same settings."
        ) from error


# One after the other, whatever the pool: two threads that import the same large library at once (NeMo and the
# punctuation engine both want transformers) can meet it half made: "cannot import name".
_load_lock = threading.Lock()
