"""The asking side of a `Wire`: requests of several threads, each with a queue for what comes back."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from tasks.engines.wire import Wire

log = logging.getLogger("daylong.models")

GONE = None
"""Put into the queue of a waiting call when the other end has gone."""


class Link:
    """One end of a wire on which calls are asked for. `on_unreadable` and `on_end` are called by the thread that
    listens: where an answer can't be read, and when the other end has gone."""

    def __init__(
        self,
        wire: Wire,
        on_unreadable: Callable[[], object] = lambda: None,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self.wire = wire
        self.waiting: dict[int, queue.SimpleQueue[Any]] = {}
        self.ended = threading.Event()
        self.pending_at_end: frozenset[int] = frozenset()
        """Ids of the requests that were pending when it ended."""
        self._sending = threading.Lock()
        self._on_unreadable, self._on_end = on_unreadable, on_end
        threading.Thread(target=self._listen, name="daylong-answers", daemon=True).start()

    def send(self, request_id: int, call: tuple[Any, ...]) -> queue.SimpleQueue[Any]:
        """Send a request; return the queue that receives its log records and then its answer, or GONE."""
        waits = self.waiting[request_id] = queue.SimpleQueue()
        try:
            with self._sending:
                self.wire.send((request_id, *call))
        except OSError:
            waits.put(GONE)
        if self.ended.is_set():
            waits.put(GONE)
        return waits

    def shut(self) -> None:
        """Tell the other end that nobody asks any more; the thread that listens ends with it."""
        with self._sending:
            self.wire.shut()

    def _listen(self) -> None:
        try:
            while True:
                request_id, message = self.wire.receive()
                waits = self.waiting.get(request_id)
                if waits is not None:
                    waits.put(message)
                elif isinstance(message, logging.LogRecord):
                    relay_record(message)
        except (EOFError, OSError):
            pass
        except Exception as error:  # else the waiting calls would wait for ever
            log.warning("an answer of the engines' process can't be read (%s: %s)", type(error).__name__, error)
            self._on_unreadable()
        self.pending_at_end = frozenset(self.waiting)
        self.ended.set()
        for waits in list(self.waiting.values()):
            waits.put(GONE)
        self._on_end()
        self.wire.close()


def relay_record(record: logging.LogRecord) -> None:
    """Have this process's loggers handle a record of another process's."""
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
