"""Spans of a sound that goes by once: for who wants many of them, in the order of time.

A span by itself is sought in its file, and a file without a table of times is read up to it: over a long recording
many spans, each sought by itself, cost more with every hour. Going by, they cost what the recording is long.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.audio.pieces import Samples
from tasks.intervals import Span
from tasks.records import SAMPLE_RATE_HZ


class Forward:
    """A sound in blocks from its start on, float32 (n,) at 16 kHz; held is what the next span may want of it."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._held, self._first = np.zeros(0, np.float32), 0

    def span(self, span: Span) -> Samples:
        """`span` as float32 (n,), n = round(span.duration_s * 16000), as `decode` gives it: silent outside the sound.

        Raises ValueError where it starts before an earlier one, and what the blocks raise.
        """
        first, size = round(span.start_s * SAMPLE_RATE_HZ), round(span.duration_s * SAMPLE_RATE_HZ)
        if max(0, first) < self._first:
            raise ValueError(f"{span.start_s} s went by already: spans are asked for in the order of their starts")
        self._drop(first)
        while self._end < first + size and (block := next(self._blocks, None)) is not None:
            self._held = np.concatenate([self._held, block])
            self._drop(first)
        out = np.zeros(size, np.float32)
        skip, place = max(0, first - self._first), max(0, self._first - first)
        part = self._held[skip : skip + max(0, size - place)]
        out[place : place + len(part)] = part
        return out

    @property
    def _end(self) -> int:
        return self._first + len(self._held)

    def _drop(self, before: int) -> None:
        """Let go of what lies before that sample."""
        gone = min(max(0, before - self._first), len(self._held))
        self._held, self._first = self._held[gone:], self._first + gone
