"""The module `time` of a loop that sleeps, for a test that acts in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any


class Rests:
    """What happens while a watch sleeps: each act once, in order; then Ctrl-C."""

    def __init__(self, *acts: Callable[[], Any]) -> None:
        self._acts: Iterator[Callable[[], Any]] = iter(acts)
        self.time, self.monotonic = time.time, time.monotonic

    def sleep(self, _: float) -> None:
        act = next(self._acts, None)
        if act is None:
            raise KeyboardInterrupt
        act()
