"""The child's side of `child.py`: calls of engines come in, and a pool answers them."""

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
from typing import Any

from tasks.engines.engine import Engine, Keep
from tasks.engines.memory import give_back, hold_less
from tasks.engines.pool import Pool
from tasks.engines.wire import Wire
from tasks.errors import DaylongError

_asked: ContextVar[int | None] = ContextVar("daylong_asked", default=None)


def serve(descriptor: int, keep: Keep) -> None:
    """The child's loop: receive calls and answer them, until the other side closes or ends; then end at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to us, too: whoever started us decides
    hold_less()
    with suppress(OSError):  # where memory runs out the kernel ends this process, and not the run, which replaces it
        Path("/proc/self/oom_score_adj").write_text("500")
    wire, sending, pool = Wire(Connection(descriptor)), threading.Lock(), Pool(keep)

    def send(asked: int | None, message: Any) -> None:
        with sending:
            wire.send((asked, message))

    def answer(asked: int, engine: Engine, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        _asked.set(asked)
        try:
            send(asked, _answer(pool, engine, method, args, kwargs))
        except OSError:
            os._exit(1)  # half a message may be on its way: nobody could read what comes after it
        except Exception as error:  # an answer that can't be sent: nothing of it was
            send(asked, _in_words(error))
        give_back()

    logger = logging.getLogger("daylong")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_Passed(send))
    with ThreadPoolExecutor(64, thread_name_prefix="daylong-engine") as threads:
        while True:
            try:
                threads.submit(answer, *wire.receive())
            except (EOFError, OSError):
                os._exit(0)  # calls that nobody waits for any more are not finished


def _answer(pool: Pool, engine: Engine, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return pool.call(engine, method, *args, **kwargs)
    except DaylongError as error:
        return error
    except (OSError, MemoryError) as error:
        if type(error).__module__ == "builtins":  # whether it is worth another try depends on what it is
            return error
        return _in_words(error)
    except Exception as error:
        return _in_words(error)


def _in_words(error: Exception) -> RuntimeError:
    # The original class may not be importable or picklable on the other side: its words are what counts.
    return RuntimeError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")


class _Passed(logging.handlers.QueueHandler):
    """What our own code says in the child is said by the process that asked, where it asked."""

    def __init__(self, send: Callable[[int | None, Any], None]) -> None:
        super().__init__(queue.SimpleQueue())
        self._send = send

    def enqueue(self, record: logging.LogRecord) -> None:
        self._send(_asked.get(), record)
