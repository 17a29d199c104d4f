"""Agglomerative clustering of groups of nodes by the odds that two are one voice, and by evidence beside these."""

from __future__ import annotations

import numpy as np

from tasks.linking.likeness import Likeness
from tasks.linking.model import Groups
from tasks.linking.nodes import Array


def agglomerate(
    groups: Groups, extra: Array, *, threshold: float = 0.0, least: int = 1, most: int | None = None
) -> list[list[int]]:
    """Members of each voice found: pairs are joined, the likeliest first, down to likenesses of `threshold`.

    `extra` (N, N), symmetric: evidence for and against each pair besides its likeness, which adds up as groups are
    joined. Never fewer than `least` groups; more are joined until there are at most `most`. Deterministic.
    """
    count = len(groups.precision)
    members: list[list[int]] = [[i] for i in range(count)]
    if count < 2:
        return members
    precision, pull = groups.precision.copy(), groups.pull.copy()
    likeness = Likeness(Groups(groups.model, precision, pull))
    beside = extra.astype(np.float32).copy()
    odds = likeness.table() + beside
    np.fill_diagonal(odds, -np.inf)
    best = odds.argmax(1)
    value = odds[np.arange(count), best]
    alive = np.ones(count, bool)
    left = count
    while left > max(1, least):
        a = int(value.argmax())
        if value[a] < threshold and (most is None or left <= most):
            break
        keep, gone = sorted((a, int(best[a])))
        members[keep] += members[gone]
        precision[keep] += precision[gone]
        pull[keep] += pull[gone]
        alive[gone] = False
        left -= 1
        beside[keep] += beside[gone]
        beside[:, keep] = beside[keep]
        likeness.replace(keep, Groups(groups.model, precision[keep][None], pull[keep][None]))
        row = likeness.to(likeness.precision[keep], likeness.pull[keep]) + beside[keep]
        row[~alive] = -np.inf
        row[keep] = -np.inf
        odds[keep], odds[:, keep] = row, row
        odds[gone], odds[:, gone] = -np.inf, -np.inf
        value[gone] = -np.inf
        best[keep], value[keep] = int(row.argmax()), row.max()
        # Whose best was one of the two looks again; the others can only have found something better.
        stale = np.flatnonzero(alive & ((best == gone) | (best == keep)))
        stale = stale[stale != keep]
        best[stale] = odds[stale].argmax(1)
        value[stale] = odds[stale, best[stale]]
        better = alive & (row > value)
        better[keep] = False
        best[better], value[better] = keep, row[better]
    return [sorted(members[i]) for i in range(count) if alive[i]]
