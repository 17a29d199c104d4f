"""Signals are heard whoever handles them, and nothing is left open afterwards."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from flows.serving.signals import heard


def sockets() -> int:
    return sum("socket:" in os.readlink(f) for f in Path("/proc/self/fd").iterdir() if f.is_symlink() and f.exists())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is open")
def test_a_signal_is_heard_beside_its_handler_and_nothing_stays_open() -> None:
    came, handled = threading.Event(), threading.Event()
    before, open_before = signal.signal(signal.SIGUSR1, lambda *_: handled.set()), sockets()
    try:
        with heard(lambda _: came.set(), (signal.SIGUSR1,)):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert came.wait(30)
            listener = next(t for t in threading.enumerate() if t.name == "daylong-signals")
        listener.join(30)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled.is_set()
    assert sockets() == open_before
