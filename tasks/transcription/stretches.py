"""Cut stretches out of sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.records import SAMPLE_RATE_HZ


def cut(
    samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]], longest_s: float
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Cut each stretch (seconds) out of 16 kHz mono samples, at most `longest_s` of it: (its start in seconds, its
    samples)."""
    for start, end in stretches:
        first = round(start * SAMPLE_RATE_HZ)
        yield start, samples[first : min(round(end * SAMPLE_RATE_HZ), first + round(longest_s * SAMPLE_RATE_HZ))]
