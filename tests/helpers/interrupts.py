"""Ctrl-C in tests that a script runs in its background."""

from __future__ import annotations

import signal
import threading


def restore_interrupts() -> None:
    """Let SIGINT and SIGHUP end this process and those that it starts.

    A shell without job control starts what it puts into the background with SIGINT ignored, `nohup` with SIGHUP, and
    processes inherit that: a test that sends it would wait for its limit.
    """
    if threading.current_thread() is threading.main_thread():
        for each, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
            if signal.getsignal(each) == signal.SIG_IGN:
                signal.signal(each, handler)
