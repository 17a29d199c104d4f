"""Give back what has not been used for a while, from a thread of its own."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Protocol

LONGEST_S, SHORTEST_S = 60.0, 0.05
"""Between two looks, seconds."""


class Releaser(Protocol):
    @property
    def idle_s(self) -> float | None: ...

    def release_idle(self) -> object: ...


def watch(owner: Releaser) -> None:
    """Call `release_idle` of the owner several times each `idle_s` seconds, for as long as the owner lives."""
    threading.Thread(target=_watch, args=(weakref.ref(owner),), name="daylong-idle", daemon=True).start()


def _watch(reference: weakref.ref[Releaser]) -> None:
    every_s = SHORTEST_S
    while (owner := reference()) is not None:
        owner.release_idle()
        every_s = min(LONGEST_S, max(SHORTEST_S, (owner.idle_s or LONGEST_S) / 4))
        del owner
        time.sleep(every_s)
