"""Ctrl-C in tests that a script runs in its background."""

from __future__ import annotations

import signal
import threading


def restore_interrupts() -> None:
    """Let SIGINT end this process and those that it starts.

    A shell without job control starts what it puts into the background with SIGINT ignored, and processes inherit
    that: a test that sends it would wait for its limit.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
