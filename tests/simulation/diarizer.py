"""The mistakes of a chunk's diarization, made on purpose."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.simulation.day import Day, renamed

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Shares of what each can happen to."""

    missed: float = 0.01
    """Of the runs of one speaker: given to nobody."""
    confused: float = 0.02
    """Of the runs: given to another of the chunk's speakers."""
    jitter: float = 0.3
    """Of the changes of speaker: a window too early or too late."""
    split: float = 0.1
    """Of the chunks' speakers: one voice in two, from some moment on."""
    merged: float = 0.1
    """Of the chunks with two or more: two people under one label."""


def diarized(day: Day, mistakes: Mistakes) -> list[Array]:
    """Labels (N,) of each chunk's windows, as `heard` wants them."""
    rng = np.random.default_rng([day.seed, 11])
    return [_chunk(labels, mistakes, rng) for labels in renamed(day)]


def _chunk(truth: Array, mistakes: Mistakes, rng: np.random.Generator) -> Array:
    out = truth.copy()
    if not len(out):
        return out
    count = int(out.max()) + 1
    for start, end in _runs(truth):
        draw = rng.random()
        if draw < mistakes.missed:
            out[start:end] = -1
        elif draw < mistakes.missed + mistakes.confused and count > 1:
            out[start:end] = (truth[start] + rng.integers(1, count)) % count
        elif start and rng.random() < mistakes.jitter:
            if rng.random() < 0.5:
                out[start - 1] = truth[start]
            else:
                out[start] = truth[start - 1]
    if count > 1 and rng.random() < mistakes.merged:
        a, b = rng.choice(count, 2, replace=False)
        out[out == a] = b
    for local in range(count):
        mine = np.flatnonzero(out == local)
        if len(mine) >= 40 and rng.random() < mistakes.split:
            out[mine[int(len(mine) * rng.uniform(0.25, 0.75)) :]] = out.max() + 1
    return out


def _runs(labels: Array) -> list[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return list(itertools.pairwise(edges))
