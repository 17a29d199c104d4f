"""Engines in a persistent child process: one that hangs or dies can be replaced without losing the run.

The child is spawned (never forked: threads and CUDA don't survive a fork), serves one call at a time, and keeps
its engines loaded between calls. Values cross a pipe of `multiprocessing`, between our own two processes only.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import traceback
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from tasks.errors import DaylongError, EngineDied
from tasks.memory import give_back, hold_less
from tasks.models import Call, Engine, Keep, Pool


def serve(pipe: Connection, keep: Keep) -> None:
    """The child's loop: receive a call, answer it, until the pipe closes."""
    hold_less()
    pool = Pool(keep)
    while True:
        try:
            engine, method, args, kwargs = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer: Any = pool.call(engine, method, *args, **kwargs)
        except DaylongError as error:
            answer = error
        except Exception as error:
            # The original class may not be importable or picklable on the other side: its words are what counts.
            answer = RuntimeError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
        pipe.send(answer)
        answer = None
        give_back()


@dataclass(slots=True)
class Child:
    """The parent's side. `timeout_s` bounds one call; None waits for as long as the child lives."""

    keep: Keep = "all"
    timeout_s: float | None = None
    calls: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _process: Any = None
    _pipe: Any = None

    def call(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
        """Run the method in the child. Raises `EngineDied` where it ended or hung; the next call starts another."""
        asked = time.perf_counter()
        with self._lock:
            waited = time.perf_counter() - asked
            self._start()
            self.calls += 1
            try:
                self._pipe.send((engine, method, args, kwargs))
                if not self._pipe.poll(self.timeout_s):
                    raise TimeoutError
                answer = self._pipe.recv()
            except TimeoutError as error:
                self._stop()
                raise EngineDied(f"{engine.name} did not answer within {self.timeout_s:g} s") from error
            except (EOFError, OSError) as error:
                code = self._stop()
                raise EngineDied(f"the process of {engine.name} ended (exit status {code})") from error
        if isinstance(answer, Exception):
            raise answer
        done: Call = answer
        return replace(done, wait_s=done.wait_s + waited)

    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _start(self) -> None:
        if self._process is not None and self._process.is_alive():
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self.keep), name="daylong-engines", daemon=True)
        self._process.start()
        theirs.close()

    def _stop(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        self._pipe.close()
        process.join(1.0)
        if process.is_alive():
            process.kill()
            process.join()
        return int(process.exitcode if process.exitcode is not None else os.EX_SOFTWARE)
