"""The process of the engines that several programs share: answers the calls of all that are connected from one pool.

Engines run in children of its own, which it replaces where they end or hang.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tasks.engines.calls import EnginePool, Placement
from tasks.engines.child_main import answer_call, to_runtime_error
from tasks.engines.engine import Engine
from tasks.engines.memory import trim_heap
from tasks.engines.shared_socket import is_own, locked
from tasks.engines.wire import Wire

log = logging.getLogger("daylong.models")

LOOK_S = 5.0
"""Between two looks for whether anybody is connected, at most."""
MAX_LOG_BYTES = 5_000_000

_reply: ContextVar[Callable[[Any], None] | None] = ContextVar("daylong_reply", default=None)
"""Sends a message to whoever asked for the call that this thread is at."""


def main(arguments: str) -> None:
    """Answer until nobody has been connected for `linger_s` seconds. `arguments`: as `SharedEngines._start` has
    them, in JSON."""
    given = json.loads(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address = Path(given["address"])
    _begin_log(address.with_suffix(".log"))
    gpus = tuple(given["gpus"])
    pool = EnginePool(Placement(given["keep"], "child", None, given["children"], gpus, given["idle_s"]))
    host = Host(pool, given["linger_s"])
    with socket.socket(fileno=given["descriptor"]) as listener:
        made = os.stat(address).st_ino
        host.accept(listener)
        with suppress(OSError), locked(address):  # the folder may have been removed
            if address.stat().st_ino == made:
                address.unlink()
        host.linger_s = 0.0  # whoever connected meanwhile is answered to the end
        host.accept(listener)
    pool.unload()
    os._exit(0)


class Host:
    """Answers connections. It is idle where there has been none for `linger_s` seconds."""

    def __init__(self, pool: EnginePool, linger_s: float) -> None:
        self.pool, self.linger_s = pool, linger_s
        self._guard = threading.Lock()
        self._connected = 0
        self._left = time.monotonic()
        self._longest_s: float | None = 0.0
        self._threads = ThreadPoolExecutor(64, thread_name_prefix="daylong-shared")

    def accept(self, listener: socket.socket) -> None:
        """Accept connections of the same user until it is idle."""
        while True:
            listener.settimeout(min(LOOK_S, max(0.05, self.linger_s / 4)))
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                with self._guard:
                    if not self._connected and time.monotonic() - self._left > self.linger_s:
                        return
                continue
            if not is_own(connection):
                log.warning("a connection of another user is refused")
                connection.close()
                continue
            with self._guard:
                self._connected += 1
            connection.setblocking(True)
            threading.Thread(target=self._answer_all, args=(connection,), daemon=True).start()

    def _answer_all(self, connection: socket.socket) -> None:
        wire, sending = Wire(Connection(connection.detach())), threading.Lock()

        def send(request_id: int, message: Any) -> None:
            with suppress(OSError), sending:  # nobody waits for it any more
                wire.send((request_id, message))

        try:
            while True:
                self._threads.submit(self._answer, send, *wire.receive())
        except (EOFError, OSError):
            pass
        finally:
            with self._guard:
                self._connected -= 1
                self._left = time.monotonic()

    def _answer(
        self,
        send: Callable[[int, Any], None],
        request_id: int,
        timeout_s: float | None,
        engine: Engine,
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._allow(timeout_s)
        _reply.set(lambda message: send(request_id, message))
        try:
            send(request_id, answer_call(self.pool, engine, method, args, kwargs))
        except Exception as error:  # an answer that can't be sent: nothing of it was
            send(request_id, to_runtime_error(error))
        finally:
            _reply.set(None)
        trim_heap()

    def _allow(self, timeout_s: float | None) -> None:
        """Let calls take as long as whoever allows the most; without a limit, for ever."""
        with self._guard:
            if self._longest_s is None or (timeout_s is not None and timeout_s <= self._longest_s):
                return
            self._longest_s = timeout_s
            self.pool.configure(replace(self.pool.placement, timeout_s=timeout_s))


class _ForwardRecords(logging.handlers.QueueHandler):
    """Sends log records to whoever asked for the call that they are about."""

    def __init__(self) -> None:
        super().__init__(queue.SimpleQueue())

    def enqueue(self, record: logging.LogRecord) -> None:
        if (reply := _reply.get()) is not None:
            reply(record)


def _begin_log(file: Path) -> None:
    """Log into the file that stdout is, too, emptied where it has grown long."""
    if file.exists() and file.stat().st_size > MAX_LOG_BYTES:
        os.truncate(file, 0)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger().handlers[0].setLevel(logging.INFO)
    logger = logging.getLogger("daylong")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_ForwardRecords())
