"""Waiting for a condition, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(read: Callable[[], T | None], limit_s: float = 120.0, every_s: float = 0.3) -> T:
    """Call a function until it returns a true value, and return that value. Fails when it takes longer."""
    ends = time.monotonic() + limit_s
    while True:
        found = read()
        if found:
            return found
        assert time.monotonic() < ends, f"nothing came of it within {limit_s:.0f} s"
        time.sleep(every_s)
