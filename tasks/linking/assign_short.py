"""Assign nodes too short to seed a voice to the voices found, or to none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.linking.log_odds import VoiceOdds
from tasks.linking.nodes import Array, Node
from tasks.linking.plda import Groups


def assign_short_nodes(
    nodes: Sequence[Node], placed: Array, voice: list[int], rest: Sequence[int], voices: Groups, doubt: float
) -> None:
    """Write the voices of the nodes `rest` to `voice`, one to one within a chunk where the log odds allow it.

    A node stays −1 if its log odds are negative for every voice, or its best voice leads by less than `doubt`.
    """
    from scipy.optimize import linear_sum_assignment

    if not rest:
        return
    windows = np.array([nodes[i].windows for i in rest], float)
    odds = VoiceOdds(voices.model.groups(placed[list(rest)], windows)).score_all(VoiceOdds(voices))
    for chunk in sorted({nodes[i].chunk for i in rest}):
        here = [k for k, i in enumerate(rest) if nodes[i].chunk == chunk]
        rows, columns = linear_sum_assignment(-odds[here])
        own = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        for row, k in enumerate(here):
            best = int(odds[k].argmax())
            # Much likelier another voice than the one left for it: a fragment of one that the chunk already has.
            chosen = own.get(row, best)
            if odds[k, best] - odds[k, chosen] > doubt:
                chosen = best
            others = np.delete(odds[k], chosen)
            if odds[k, chosen] > 0 and odds[k, chosen] >= others.max(initial=-np.inf) + doubt:
                voice[rest[k]] = chosen


def assign_transition_nodes(nodes: Sequence[Node], placed: Array, voice: list[int], voices: Groups) -> None:
    """Assign transition nodes without a voice to the likeliest voice present in their chunk; writes to `voice`."""
    left = [i for i, n in enumerate(nodes) if n.is_transition and voice[i] < 0]
    if not left:
        return
    windows = np.array([nodes[i].windows for i in left], float)
    odds = VoiceOdds(voices.model.groups(placed[left], windows)).score_all(VoiceOdds(voices))
    for i, row in zip(left, odds, strict=True):
        here = sorted({v for n, v in zip(nodes, voice, strict=True) if n.chunk == nodes[i].chunk and v >= 0})
        if here:
            voice[i] = here[int(row[here].argmax())]
