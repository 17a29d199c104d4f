"""Read many spans of a recording in one pass, in the order of their starts.

`decode` seeks each span, and a file without a seek table is read up to it: in a long recording, many spans cost more
with every hour. In one pass, the cost is that of the recording's length.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.audio.resample import Samples
from tasks.intervals import Span
from tasks.records import SAMPLE_RATE_HZ


class ForwardReader:
    """Reads spans from consecutive blocks of float32 (n,) at 16 kHz; buffers only what later spans may need."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._held, self._first = np.zeros(0, np.float32), 0

    def read(self, span: Span) -> Samples:
        """Read `span` as `decode` does: float32 (n,), n = round(span.duration_s * 16000), silence outside the sound.

        Raises ValueError if `span` starts before an earlier one, and what the blocks raise.
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
        """Drop the buffered samples before position `before`."""
        gone = min(max(0, before - self._first), len(self._held))
        self._held, self._first = self._held[gone:], self._first + gone
