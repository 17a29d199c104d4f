"""Engines in a persistent child process, which is replaced when it hangs, ends or loses its device, while the run
goes on. In a process whose device has failed, every later call fails.

The child (`child_main.py`) is a fresh interpreter (never forked: threads and CUDA don't survive a fork; nor does it
run the caller's script anew, as `multiprocessing` would). It serves calls of engines side by side, as threads of one
process would be, and keeps these loaded. Values cross a socket pair (`wire.py`), between our own two
processes only.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from typing import Any

from tasks.engines.engine import LOAD, Call, Engine, Keep
from tasks.engines.link import GONE, Link, relay_record
from tasks.engines.shared_lock import SharedExclusiveLock
from tasks.engines.wire import Wire
from tasks.errors import EngineDied

log = logging.getLogger("daylong.models")

START = "from tasks.engines.child_main import serve; serve({descriptor}, {keep!r}, {idle_s!r})"
"""What the child's interpreter runs, which imports nothing from the folder that we were started in."""

EXCLUSIVE_RETRIES = 3
"""Retries, each with exclusive use of the child, of a call that may have been ended by another call's fault."""

_ending = threading.Event()
_starting = threading.Lock()


def forbid_new_children() -> None:
    """Refuse to start further children in this process, which is ending: pending calls would start new ones."""
    with _starting:
        _ending.set()


def is_ending() -> bool:
    """Whether this process is ending."""
    return _ending.is_set()


def make_environment() -> dict[str, str]:
    """The environment of an interpreter that finds our modules; in UTF-8 mode, since libraries read their models'
    text files in the locale's encoding."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}


class _ChildProcess:
    """One child interpreter, from start to end."""

    def __init__(self, keep: Keep, environment: Mapping[str, str], idle_s: float | None) -> None:
        ours, theirs = Pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START.format(descriptor=theirs.fileno(), keep=keep, idle_s=idle_s)],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=make_environment() | dict(environment),
        )
        theirs.close()
        self.link = Link(Wire(ours), self.process.kill, self.process.wait)

    @property
    def ended(self) -> threading.Event:
        return self.link.ended

    def end(self) -> int:
        """Kill the process if it still runs; return its exit status."""
        if not self.ended.is_set():
            self.process.kill()
        try:
            return self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@dataclass(slots=True)
class EngineProcess:
    """The parent's side of the child process. Calls of one engine run one at a time; `timeout_s` bounds a call (None:
    no bound while the child runs). `environment`: variables of the child alone. An engine that was not called for
    `idle_s` seconds is unloaded there, and the child ended by `release_idle` where none was."""

    keep: Keep = "all"
    timeout_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    idle_s: float | None = None
    calls: int = 0
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _engines: SharedExclusiveLock = field(default_factory=SharedExclusiveLock)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _child: _ChildProcess | None = None
    _active: int = 0
    _used: float = 0.0
    """When its last call ended, by the monotonic clock."""

    def call(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
        """Run the method in the child. Raises `EngineDied` where it ended or hung, `DeviceBroken` where its device
        failed; the next call starts another.

        When the child ends or its device fails, all pending calls are lost and any of them may be the cause: each is
        retried with exclusive use of a new child, and the call that ends that one, too, has failed. A call that hangs
        is known to be the cause and is not retried.
        """
        with self._guard:
            self._active += 1
        try:
            return self._call(engine, method, args, kwargs)
        finally:
            with self._guard:
                self._active -= 1
                self._used = time.monotonic()

    def _call(self, engine: Engine, method: str, args: Any, kwargs: Any) -> Call:
        started = time.perf_counter()
        with self._engine_lock(engine), self._engines.shared():
            waited_s = time.perf_counter() - started
            answer = self._request(engine, method, args, kwargs)
        for _ in range(EXCLUSIVE_RETRIES):
            if answer is not GONE:
                break
            log.info("%s: its process ended beside other work; once more, alone", engine.name)
            with self._engines.exclusive():
                answer = self._request(engine, method, args, kwargs)
        if answer is GONE:
            raise EngineDied(f"the process of {engine.name} ended")
        if isinstance(answer, Exception):
            raise answer
        done: Call = answer
        return replace(done, wait_s=done.wait_s + waited_s)

    def load(self, engines: Sequence[Engine]) -> None:
        """Load engines, one after the other, until all are loaded or the child ends; no other is started then.

        Raises `EngineDied` where one hangs. What an engine raises is raised by the next call of it.
        """
        with self._guard:
            self._active += 1
            child = self._ensure_started()
        try:
            for engine in engines:
                with self._engine_lock(engine), self._engines.shared():
                    with self._guard:
                        if self._child is not child:
                            return
                        self.calls += 1
                        request_id = self.calls
                    try:
                        answer = self._await_answer(
                            engine, child, child.link.send(request_id, (engine, LOAD, (), {}))
                        )
                    finally:
                        child.link.waiting.pop(request_id, None)
                if answer is GONE:
                    return
        finally:
            with self._guard:
                self._active -= 1
                self._used = time.monotonic()

    def _engine_lock(self, engine: Engine) -> threading.Lock:
        with self._guard:
            # With one engine in memory at a time, they all take turns.
            return self._locks.setdefault("" if self.keep == "one" else repr(engine), threading.Lock())

    def _request(self, engine: Engine, method: str, args: Any, kwargs: Any) -> Any:
        """The answer; GONE if the child ended or its device failed while other calls were pending as well."""
        with self._guard:
            self.calls += 1
            request_id, child = self.calls, self._ensure_started()
        try:
            answer = self._await_answer(engine, child, child.link.send(request_id, (engine, method, args, kwargs)))
            if isinstance(answer, EngineDied):  # the process runs, but can no longer use its device
                child.end()
                child.ended.wait(5.0)  # before this request is removed from the pending ones
        finally:
            child.link.waiting.pop(request_id, None)
        if answer is GONE or isinstance(answer, EngineDied):
            status = child.end()
            child.ended.wait(5.0)
            if child.link.pending_at_end != {request_id}:
                return GONE
            if answer is GONE:
                raise EngineDied(f"the process of {engine.name} ended (exit status {status})")
        return answer

    def _await_answer(self, engine: Engine, child: _ChildProcess, waits: queue.SimpleQueue[Any]) -> Any:
        limit_s = self.timeout_s
        until = None if limit_s is None else time.monotonic() + limit_s
        while True:
            try:
                message = waits.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            except queue.Empty:
                child.end()
                raise EngineDied(f"{engine.name} did not answer within {limit_s:g} s") from None
            if not isinstance(message, logging.LogRecord):  # GONE, too
                return message
            relay_record(message)

    def pid(self) -> int | None:
        return self._child.process.pid if self._child is not None else None

    def release_idle(self, now: float | None = None) -> bool:
        """End the child if it has had no call for longer than `idle_s`, and return whether that was done. `now`: of
        the monotonic clock."""
        now = time.monotonic() if now is None else now
        with self._guard:
            if self._child is None or self._active or self.idle_s is None or now - self._used <= self.idle_s:
                return False
            log.info("ending the engines' process, idle for %.0f s", now - self._used)
            self._end()
        return True

    def close(self) -> None:
        with self._guard:
            self._end()

    def _ensure_started(self) -> _ChildProcess:
        if self._child is None or self._child.ended.is_set() or self._child.process.poll() is not None:
            self._end()
            with _starting:
                if _ending.is_set():
                    raise EngineDied("this process is ending")
                self._child = _ChildProcess(self.keep, self.environment, self.idle_s)
            atexit.register(self._child.end)
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            atexit.unregister(self._child.end)
        self._child = None
