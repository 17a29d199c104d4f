"""Voices found by joining, gone over once more: joins made early are now and then wrong, and joining undoes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.linking.agglomerate import of_known
from tasks.linking.likeness import Likeness
from tasks.linking.model import Groups
from tasks.linking.nodes import Array

ROUNDS = 5
"""At most; mostly nothing moves in the second."""
SURER = 1.0
"""Log odds by which another voice must be likelier than a unit's own, for it to move."""


def settled(singles: Groups, beside: Any, members: Sequence[Sequence[int]], least: int = 1) -> list[list[int]]:
    """Each unit where it is likeliest, given where all others are (iterated conditional modes; Besag 1986).

    `beside`: a sparse (U, U) matrix of log odds of pairs. Units alone are given a voice by joining, not here; voices
    that lose all their units are gone, but never so that fewer than `least` are left.
    """
    voice = np.full(len(singles.precision), -1)
    for k, group in enumerate(members):
        voice[group] = k
    held = singles.of(members)
    likeness = Likeness(Groups(singles.model, held.precision.copy(), held.pull.copy()))
    sums = Groups(singles.model, held.precision, held.pull)
    alone = Likeness(Groups(singles.model, singles.precision.copy(), singles.pull.copy()))
    size = np.bincount(voice[voice >= 0], minlength=len(members))
    for _ in range(ROUNDS):
        moved = False
        for u in np.flatnonzero(voice >= 0).tolist():
            k = int(voice[u])
            if size[k] < 2 and int((size > 0).sum()) <= least:
                continue
            _add(sums, likeness, k, singles, u, -1)
            size[k] -= 1
            odds = likeness.to(alone.precision[u], alone.pull[u]) + _known(beside, u, voice, len(size))
            odds += of_known(size)
            own = float(odds[k]) if size[k] else 0.0
            odds[size == 0] = -np.inf
            best = int(odds.argmax())
            if best != k and odds[best] > own + SURER:
                k, moved = best, True
            _add(sums, likeness, k, singles, u, 1)
            voice[u] = k
            size[k] += 1
        if not moved:
            break
    groups = [np.flatnonzero(voice == k).tolist() for k in range(len(size))]
    return [g for g in groups if g]


def _add(sums: Groups, likeness: Likeness, k: int, singles: Groups, u: int, sign: int) -> None:
    sums.precision[k] += sign * singles.precision[u]
    sums.pull[k] += sign * singles.pull[u]
    likeness.replace(k, Groups(sums.model, sums.precision[k][None], sums.pull[k][None]))


def _known(beside: Any, u: int, voice: Array, count: int) -> Array:
    """(K,) of what is known of the unit and each voice's units."""
    row = slice(beside.indptr[u], beside.indptr[u + 1])
    others = voice[beside.indices[row]]
    there = (others >= 0) & (beside.indices[row] != u)
    return np.bincount(others[there], weights=beside.data[row][there], minlength=count)
