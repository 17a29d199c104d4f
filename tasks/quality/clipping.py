"""Count the samples that are cut off at full scale. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.records import SAMPLE_RATE_HZ

STEP_S = 0.5
"""Seconds that are counted together: those of the speech map's levels."""
FULL_SCALE = 0.95
"""Of full scale: a wave that was cut off at 44.1 kHz swings by some per cent around it at 16 kHz."""
LEAST_RUN = 3
"""Samples in a row: a peak that only touches full scale has fewer."""


def count_clipped(samples: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Count the samples of float32 (n,) at 16 kHz that stand in runs at full scale, by steps of half a second.

    >>> count_clipped(np.array([0.5, 1, 1, 1, 0.2, 1, 1, 0.1], np.float32)).tolist()
    [3]
    """
    step = round(STEP_S * SAMPLE_RATE_HZ)
    count = -(-len(samples) // step)
    if len(samples) < LEAST_RUN:
        return np.zeros(count, np.uint16)
    loud = (samples >= FULL_SCALE) | (samples <= -FULL_SCALE)
    if not loud.any():
        return np.zeros(count, np.uint16)
    last = len(loud) - LEAST_RUN + 1
    begins = np.logical_and.reduce([loud[shift : shift + last] for shift in range(LEAST_RUN)])
    clipped = np.zeros(count * step, np.bool_)
    for shift in range(LEAST_RUN):
        clipped[shift : shift + last] |= begins
    return np.asarray(clipped.reshape(count, step).sum(axis=1), np.uint16)
