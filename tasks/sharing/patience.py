"""Whether who finds a recording busy waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waits: ContextVar[bool] = ContextVar("waits for recordings", default=True)


@contextmanager
def without_waiting() -> Iterator[None]:
    """In the block, a recording that another process works on is refused at once (`Busy`)."""
    token = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(token)


def may_wait() -> bool:
    return _waits.get()
