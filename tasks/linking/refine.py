"""Refine clusters by moving single units: agglomerative clustering can't undo a wrong early merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.linking.agglomerate import prior_log_odds
from tasks.linking.log_odds import VoiceOdds
from tasks.linking.nodes import Array
from tasks.linking.plda import Groups

ROUNDS = 5
"""Passes over all units, at most; mostly nothing moves in the second."""
SURER = 1.0
"""Log odds by which another voice must exceed a unit's own for the unit to move."""


def refine_assignments(
    singles: Groups, evidence: Any, members: Sequence[Sequence[int]], least: int = 1
) -> list[list[int]]:
    """Move each unit to its likeliest voice given all others (iterated conditional modes; Besag 1986).

    `evidence`: sparse (U, U) log odds of pairs. `members`: units of each voice; units in none are left out. Voices
    that lose all their units are removed while at least `least` are left.
    """
    voice = np.full(len(singles.precision), -1)
    for k, group in enumerate(members):
        voice[group] = k
    held = singles.of(members)
    voice_odds = VoiceOdds(Groups(singles.model, held.precision.copy(), held.information.copy()))
    sums = Groups(singles.model, held.precision, held.information)
    alone = VoiceOdds(Groups(singles.model, singles.precision.copy(), singles.information.copy()))
    size = np.bincount(voice[voice >= 0], minlength=len(members))
    for _ in range(ROUNDS):
        moved = False
        for u in np.flatnonzero(voice >= 0).tolist():
            k = int(voice[u])
            if size[k] < 2 and int((size > 0).sum()) <= least:
                continue
            _add_unit(sums, voice_odds, k, singles, u, -1)
            size[k] -= 1
            odds = voice_odds.score_against(alone.precision[u], alone.information[u]) + _sum_known(
                evidence, u, voice, len(size)
            )
            odds += prior_log_odds(size)
            own = float(odds[k]) if size[k] else 0.0
            odds[size == 0] = -np.inf
            best = int(odds.argmax())
            if best != k and odds[best] > own + SURER:
                k, moved = best, True
            _add_unit(sums, voice_odds, k, singles, u, 1)
            voice[u] = k
            size[k] += 1
        if not moved:
            break
    groups = [np.flatnonzero(voice == k).tolist() for k in range(len(size))]
    return [g for g in groups if g]


def _add_unit(sums: Groups, voice_odds: VoiceOdds, k: int, singles: Groups, u: int, sign: int) -> None:
    sums.precision[k] += sign * singles.precision[u]
    sums.information[k] += sign * singles.information[u]
    voice_odds.update(k, Groups(sums.model, sums.precision[k][None], sums.information[k][None]))


def _sum_known(evidence: Any, u: int, voice: Array, count: int) -> Array:
    """Sum the pairwise evidence between unit `u` and the units of each of `count` voices, (K,)."""
    row = slice(evidence.indptr[u], evidence.indptr[u + 1])
    others = voice[evidence.indices[row]]
    there = (others >= 0) & (evidence.indices[row] != u)
    return np.bincount(others[there], weights=evidence.data[row][there], minlength=count)
