"""The speech detector in several threads: copies of one engine, each of which takes one call at a time."""

from __future__ import annotations

from queue import LifoQueue

from tasks.audio.resample import Samples
from tasks.engines.engine import Engine
from tasks.engines.processors import count_cores
from tasks.intervals import Span
from tasks.step import StepContext

LOADER = "tasks.audio.speech_map:load"
SILERO = Engine.of("audio/silero", LOADER)
MOST_THREADS = 6
"""Of one speech map. More gain nothing, since the one thread that decodes a recording keeps no more at work; and each
takes 100 MB."""


class Detectors:
    """As many copies of the detector as `threads` may ask at once, in the pool of a place."""

    def __init__(self, place: StepContext, threads: int) -> None:
        self.threads = threads
        self.meters = [place.meter() for _ in range(threads)]
        """Of the copies: what each one's calls took."""
        self._free: LifoQueue[int] = LifoQueue()  # the last one used first: few windows load few copies
        for number in reversed(range(threads)):
            self._free.put(number)

    def find_speech(self, samples: Samples) -> list[Span]:
        """Find spans of speech in float32 (n,) at 16 kHz, in seconds from its first sample."""
        number = self._free.get()
        try:
            found: list[Span] = self.meters[number].ask(name_copy(number), "find_speech", samples)
        finally:
            self._free.put(number)
        return found


def name_copy(number: int) -> Engine:
    """The copy of this number; the first is the detector that everybody else asks."""
    return Engine.of(SILERO.name, LOADER, copy=number) if number else SILERO


def count_threads(place: StepContext) -> int:
    """How many threads detect speech side by side: one a core. One, where the pool holds one engine at a time: copies
    would unload each other."""
    return 1 if place.engines.placement.keep == "one" else min(MOST_THREADS, count_cores())
