"""Signals are reported whatever their handlers are, and nothing is left open afterwards."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from flows.serving.signals import watch_signals


def count_sockets() -> int:
    return sum("socket:" in os.readlink(f) for f in Path("/proc/self/fd").iterdir() if f.is_symlink() and f.exists())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is open")
def test_a_signal_is_reported_beside_its_handler_and_no_socket_stays_open() -> None:
    came, handled = threading.Event(), threading.Event()
    before, open_before = signal.signal(signal.SIGUSR1, lambda *_: handled.set()), count_sockets()
    try:
        with watch_signals(lambda _: came.set(), (signal.SIGUSR1,)):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert came.wait(30)
            listener = next(t for t in threading.enumerate() if t.name == "daylong-signals")
        listener.join(30)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled.is_set()
    assert count_sockets() == open_before
