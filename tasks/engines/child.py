"""Engines in a persistent child process: one that hangs or dies can be replaced without losing the run.

So can one whose device failed: in a process where that has happened every later call fails, too.

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
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from typing import Any

from tasks.engines.engine import Call, Engine, Keep
from tasks.engines.shared_lock import Turns
from tasks.engines.wire import Wire
from tasks.errors import EngineDied

log = logging.getLogger("daylong.models")

START = "from tasks.engines.child_main import serve; serve({descriptor}, {keep!r})"
"""What the child's interpreter runs, which imports nothing from the folder that we were started in."""

GONE = None
"""What a waiting call is told where the child has ended."""

ALONE = 3
"""So often is a call asked again, of which nobody knows that it was at fault."""

_ending = threading.Event()
_starting = threading.Lock()


def start_no_more() -> None:
    """From now on no child is started in this process: a call whose child is being ended would start the next one."""
    with _starting:
        _ending.set()


class _Living:
    """One child from its start to its end."""

    def __init__(self, keep: Keep) -> None:
        ours, theirs = Pipe()
        self.wire = Wire(ours)
        self.waiting: dict[int, queue.SimpleQueue[Any]] = {}
        self.ended = threading.Event()
        self.took: frozenset[int] = frozenset()
        """The calls that were in it when it ended."""
        self._sending = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START.format(descriptor=theirs.fileno(), keep=keep)],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        theirs.close()
        threading.Thread(target=self._listen, name="daylong-answers", daemon=True).start()

    def send(self, asked: int, call: tuple[Any, ...]) -> queue.SimpleQueue[Any]:
        """Ask; what is said to it meanwhile and the answer are put into the queue, GONE where there won't be one."""
        waits = self.waiting[asked] = queue.SimpleQueue()
        try:
            with self._sending:
                self.wire.send((asked, *call))
        except OSError:
            waits.put(GONE)
        if self.ended.is_set():
            waits.put(GONE)
        return waits

    def end(self) -> int:
        """End it at once; the exit status that it has or had."""
        if not self.ended.is_set():
            self.process.kill()
        try:
            return self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def _listen(self) -> None:
        try:
            while True:
                asked, message = self.wire.receive()
                waits = self.waiting.get(asked)
                if waits is not None:
                    waits.put(message)
                elif isinstance(message, logging.LogRecord):
                    _say(message)
        except (EOFError, OSError):
            pass
        except Exception as error:  # whoever waits for what can't be read would wait for ever
            log.warning("an answer of the engines' process can't be read (%s: %s)", type(error).__name__, error)
            self.process.kill()
        self.took = frozenset(self.waiting)
        self.ended.set()
        for waits in list(self.waiting.values()):
            waits.put(GONE)
        self.process.wait()
        self.wire.close()


@dataclass(slots=True)
class Child:
    """The parent's side: one call of an engine at a time. `timeout_s` bounds it; None waits for as long as the child
    lives."""

    keep: Keep = "all"
    timeout_s: float | None = None
    calls: int = 0
    _turns: dict[str, threading.Lock] = field(default_factory=dict)
    _engines: Turns = field(default_factory=Turns)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _living: _Living | None = None

    def call(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
        """Run the method in the child. Raises `EngineDied` where it ended or hung, `DeviceBroken` where its device
        failed; the next call starts another.

        A child that ends takes all its calls along, as does a device that fails, and nobody knows whose fault that
        was: each of them is asked again, alone, and the one that ends the next child, too, has failed. Of a call that
        hangs it is known.
        """
        came = time.perf_counter()
        with self._turn(engine), self._engines.beside():
            waited_s = time.perf_counter() - came
            answer = self._asked(engine, method, args, kwargs)
        for _ in range(ALONE):
            if answer is not GONE:
                break
            log.info("%s: its process ended beside other work; once more, alone", engine.name)
            with self._engines.alone():
                answer = self._asked(engine, method, args, kwargs)
        if answer is GONE:
            raise EngineDied(f"the process of {engine.name} ended")
        if isinstance(answer, Exception):
            raise answer
        done: Call = answer
        return replace(done, wait_s=done.wait_s + waited_s)

    def _turn(self, engine: Engine) -> threading.Lock:
        with self._guard:
            # With one engine in memory at a time, they all take turns.
            return self._turns.setdefault("" if self.keep == "one" else repr(engine), threading.Lock())

    def _asked(self, engine: Engine, method: str, args: Any, kwargs: Any) -> Any:
        """The answer; GONE where the child ended or its device failed, and it may have been another call's doing."""
        with self._guard:
            self.calls += 1
            asked, living = self.calls, self._started()
        try:
            answer = self._answer(engine, living, living.send(asked, (engine, method, args, kwargs)))
            if isinstance(answer, EngineDied):  # it lives, but its device is lost to it
                living.end()
                living.ended.wait(5.0)  # while this call still counts among those that were in it
        finally:
            living.waiting.pop(asked, None)
        if answer is GONE or isinstance(answer, EngineDied):
            status = living.end()
            living.ended.wait(5.0)
            if living.took != {asked}:
                return GONE
            if answer is GONE:
                raise EngineDied(f"the process of {engine.name} ended (exit status {status})")
        return answer

    def _answer(self, engine: Engine, living: _Living, waits: queue.SimpleQueue[Any]) -> Any:
        limit_s = self.timeout_s
        until = None if limit_s is None else time.monotonic() + limit_s
        while True:
            try:
                message = waits.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            except queue.Empty:
                living.end()
                raise EngineDied(f"{engine.name} did not answer within {limit_s:g} s") from None
            if not isinstance(message, logging.LogRecord):  # GONE, too
                return message
            _say(message)

    def pid(self) -> int | None:
        return self._living.process.pid if self._living is not None else None

    def close(self) -> None:
        with self._guard:
            self._end()

    def _started(self) -> _Living:
        if self._living is None or self._living.ended.is_set() or self._living.process.poll() is not None:
            self._end()
            with _starting:
                if _ending.is_set():
                    raise EngineDied("this process is ending")
                self._living = _Living(self.keep)
            atexit.register(self._living.end)
        return self._living

    def _end(self) -> None:
        if self._living is not None:
            self._living.end()
            atexit.unregister(self._living.end)
        self._living = None


def _say(record: logging.LogRecord) -> None:
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
