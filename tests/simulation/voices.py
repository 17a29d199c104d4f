"""What a speaker model would say of a simulated day's windows, drawn with the spread of real readers.

See `measure_readers` for what was measured. A voice is drawn around the model's mean; a window adds the spread
within a voice, which its overlapping neighbour half shares; a session adds an offset of its own. Windows in which
two people speak hold a mixture. The same moment of sound gives the same embedding in both chunks that heard it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tests.simulation.measure_readers import FILE

Array = np.ndarray[Any, Any]

CELL_S = 0.75
"""Noise is drawn for cells of time this long; a window of 1.5 s holds two, so neighbours correlate by a half
(measured: 0.43)."""
LENGTH_S = 1.5


@dataclass(frozen=True, eq=False)
class Spread:
    """The constants of readers.npz: `mean` (D,), `within` (D,) variances, `between` (R, D)."""

    mean: Array
    within: Array
    between: Array


@cache
def readers() -> Spread:
    with np.load(FILE) as kept:
        return Spread(kept["mean"], kept["within"], kept["between"])


def titanet_like(dim: int = 192) -> Spread:
    """A better model than the demo's: no common direction, the cosine of two windows about 0.7 within a voice and
    about 0.0–0.2 between voices, spread over many directions (what is published of TitaNet-large)."""
    fading = 1.0 / (1.0 + np.arange(dim) / 20.0)
    between = np.diag(np.sqrt(0.63 * fading / fading.sum()))
    mean = np.zeros(dim)
    mean[-1] = 0.3
    rolled = np.roll(fading, dim // 3)
    return Spread(mean, 0.31 * rolled / rolled.sum(), between)


def draw_voices(count: int, spread: Spread, rng: np.random.Generator) -> Array:
    """(count, D), not of unit length."""
    drawn: Array = spread.mean + rng.normal(size=(count, len(spread.between))) @ spread.between
    return drawn


def alike(voice: Array, other: Array, share: float) -> Array:
    """`other` moved towards `voice`: at 1 they are the same."""
    moved: Array = other + share * (voice - other)
    return moved


class Sound:
    """The noise of a day: `duration_s` of cells, drawn once, so that whoever hears a moment hears the same."""

    def __init__(self, duration_s: float, spread: Spread, rng: np.random.Generator) -> None:
        count = int(duration_s / CELL_S) + 3
        self._cells = rng.standard_normal((count, len(spread.within)), dtype=np.float32)
        self._cells *= np.sqrt(spread.within).astype(np.float32)

    def noise(self, starts_s: Array, ends_s: Array) -> Array:
        """(N, D): the within-voice deviation of each window. Shorter ones vary more, as √(1.5 s / length)."""
        first = (starts_s / CELL_S).astype(np.int64)
        part = (starts_s / CELL_S - first).astype(np.float32)
        length = np.maximum(ends_s - starts_s, 0.1)
        # A whole window covers 1 − part of its first cell, all of the second and part of the third.
        weights = np.stack([1 - part, np.ones_like(part), part], axis=1)
        weights /= np.sqrt((weights**2).sum(1, keepdims=True))
        weights *= np.sqrt(np.clip(LENGTH_S / length, 1.0, 3.0)).astype(np.float32)[:, None]
        out = weights[:, :1] * self._cells[first]
        out += weights[:, 1:2] * self._cells[first + 1]
        out += weights[:, 2:] * self._cells[first + 2]
        return out
