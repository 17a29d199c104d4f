"""Signals, heard by us whoever else handles them."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager


@contextmanager
def heard(begin: Callable[[int], None], numbers: Container[int]) -> Iterator[None]:
    """Call `begin` when one of these signals comes, whoever handles it: a flow puts a handler of its own in our
    place, and waits for its tasks, however long they take."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)

    def listen() -> None:
        with ours:
            while signalled := ours.recv(1):
                if signalled[0] in numbers:
                    begin(signalled[0])

    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=listen, name="daylong-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()
