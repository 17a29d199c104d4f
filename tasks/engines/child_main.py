"""Main loop of the child process of `child.py`: receives engine calls and answers them from a pool."""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from tasks.engines.engine import Call, Engine, Keep
from tasks.engines.idle import watch
from tasks.engines.memory import keep_heap_within_calls, trim_heap
from tasks.engines.pool import Pool
from tasks.engines.wire import Wire
from tasks.errors import DaylongError

_request_id: ContextVar[int | None] = ContextVar("daylong_asked", default=None)


def serve(descriptor: int, keep: Keep, idle_s: float | None = None) -> None:
    """Receive calls and answer them until the parent closes the pipe or ends; then exit at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to us, too: whoever started us decides
    keep_heap_within_calls()
    with suppress(OSError):  # where memory runs out the kernel ends this process, and not the run, which replaces it
        Path("/proc/self/oom_score_adj").write_text("500")
    wire, sending, pool = Wire(Connection(descriptor)), threading.Lock(), Pool(keep, idle_s)
    if idle_s is not None:
        watch(pool)

    def send(request_id: int | None, message: Any) -> None:
        with sending:
            wire.send((request_id, message))

    def answer(request_id: int, engine: Engine, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        _request_id.set(request_id)
        try:
            send(request_id, answer_call(pool, engine, method, args, kwargs))
        except OSError:
            os._exit(1)  # half a message may be on its way: nobody could read what comes after it
        except Exception as error:  # an answer that can't be sent: nothing of it was
            send(request_id, to_runtime_error(error))
        trim_heap()

    logger = logging.getLogger("daylong")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_ForwardHandler(send))
    with ThreadPoolExecutor(64, thread_name_prefix="daylong-engine") as threads:
        while True:
            try:
                threads.submit(answer, *wire.receive())
            except (EOFError, OSError):
                os._exit(0)  # the parent no longer waits for pending calls


class Answers(Protocol):
    """A pool of engines."""

    def call(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call: ...


def answer_call(pool: Answers, engine: Engine, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Have a pool do a call; return its answer, or an error that any process of ours can read."""
    try:
        return pool.call(engine, method, *args, **kwargs)
    except DaylongError as error:
        return error
    except (OSError, MemoryError) as error:
        if type(error).__module__ == "builtins":  # whether it is worth another try depends on what it is
            return error
        return to_runtime_error(error)
    except Exception as error:
        return to_runtime_error(error)


def to_runtime_error(error: Exception) -> RuntimeError:
    # The original class may not be importable or picklable on the other side: its words are what counts.
    return RuntimeError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")


class _ForwardHandler(logging.handlers.QueueHandler):
    """Sends log records of our own code to the parent, which logs them in the context of the request."""

    def __init__(self, send: Callable[[int | None, Any], None]) -> None:
        super().__init__(queue.SimpleQueue())
        self._send = send

    def enqueue(self, record: logging.LogRecord) -> None:
        self._send(_request_id.get(), record)
