"""Watch for signals, whatever their handlers are."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager


@contextmanager
def watch_signals(on_signal: Callable[[int], None], numbers: Container[int]) -> Iterator[None]:
    """Call `on_signal` with the number of each signal of `numbers` that arrives, in a thread, within the context.

    It is called in addition to the signal's handler: Prefect replaces ours while a flow runs, and then waits for the
    flow's tasks, however long they take.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)

    def receive() -> None:
        with receiver:
            while signalled := receiver.recv(1):
                if signalled[0] in numbers:
                    on_signal(signalled[0])

    previous = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=receive, name="daylong-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)
        sender.close()
