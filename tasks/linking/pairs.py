"""What is known of pairs of nodes besides how their voices sound: who was there together, and who was heard twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.intervals import intersect, total_s
from tasks.linking.nodes import Array, Node
from tasks.linking.within_covariance import REPEATED

APART = -20.0
"""Log odds of one voice for two local speakers of one chunk: their diarizer told them apart, and is seldom wrong."""
SHARED_FLOOR_S = 2.0
"""Seconds that two neighbours' local speakers must share in the overlap before they count as evidence."""
SHARED = 4.0
"""Log odds of one voice for each such second …"""
SHARED_MOST = 30.0
"""… up to this: the same sound was heard twice, but either diarizer may be wrong about it."""
TWIN = 3.0
"""Long local speakers of one chunk nearer than this, in spreads of a window, are one voice that was split: halves of
one voice's windows, parted where they differ most, lie 2.7 apart at most, and of real readers 99 % of pairs
lie beyond 4."""


def merge_twins(nodes: Sequence[Node], placed: Array, least: int = 1) -> list[list[int]]:
    """Nodes by voice and chunk: mostly one, more where a diarizer split a voice; never fewer than `least` voices, if
    there are as many nodes. `placed` (N, D), whitened."""
    spare = len(nodes) - least
    by_chunk: dict[int, list[int]] = defaultdict(list)
    for i, node in enumerate(nodes):
        by_chunk[node.chunk].append(i)
    out = []
    for mine in by_chunk.values():
        groups = [[i] for i in mine]
        while len(groups) > 1 and spare > 0:
            a, b = min(
                ((a, b) for a in range(len(groups)) for b in range(a)),
                key=lambda p: (_squared_distance(nodes, placed, groups[p[0]], groups[p[1]]), p),
            )
            if _squared_distance(nodes, placed, groups[a], groups[b]) >= TWIN**2:
                break
            groups[b] += groups.pop(a)
            spare -= 1
        out += [sorted(g) for g in groups]
    return out


def _squared_distance(nodes: Sequence[Node], placed: Array, left: Sequence[int], right: Sequence[int]) -> float:
    # The square of their distance, freed of what means of so few windows differ by chance.
    (a, n), (b, m) = (pool_nodes(nodes, placed, g) for g in (left, right))
    return float(np.square(a - b).sum()) - REPEATED * len(a) * (1 / n + 1 / m)


def pool_nodes(nodes: Sequence[Node], placed: Array, group: Sequence[int]) -> tuple[Array, int]:
    """(position (D,), windows) of some nodes' windows together."""
    count = np.array([nodes[i].windows for i in group])
    position: Array = (placed[list(group)] * count[:, None]).sum(0) / count.sum()
    return position, int(count.sum())


def pair_evidence(nodes: Sequence[Node], units: Sequence[Sequence[int]]) -> Any:
    """A sparse (U, U) matrix of log odds for pairs of `units` (lists of nodes, each of one chunk)."""
    from scipy.sparse import coo_array

    by_chunk: dict[int, list[int]] = defaultdict(list)
    for u, unit in enumerate(units):
        by_chunk[nodes[unit[0]].chunk].append(u)
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []

    def add(a: int, b: int, value: float) -> None:
        rows.extend((a, b))
        columns.extend((b, a))
        values.extend((value, value))

    for chunk, mine in by_chunk.items():
        for k, a in enumerate(mine):
            for b in mine[:k]:
                if not any(nodes[i].is_split for i in (*units[a], *units[b])):
                    add(a, b, APART)
        following = by_chunk.get(chunk + 1, [])
        if following:
            shared = np.array([[_shared_s(nodes, units[a], units[b]) for b in following] for a in mine])
            mostly = 0.6 * np.minimum(shared.sum(1)[:, None], shared.sum(0)[None])
            for k, j in np.argwhere((shared >= SHARED_FLOOR_S) & (shared >= mostly)).tolist():
                add(mine[k], following[j], min(SHARED_MOST, SHARED * float(shared[k, j])))
    return coo_array((values, (rows, columns)), shape=(len(units), len(units))).tocsr()


def _shared_s(nodes: Sequence[Node], left: Sequence[int], right: Sequence[int]) -> float:
    first = min(nodes[j].spans[0].start_s for j in right)
    last = max(nodes[i].spans[-1].end_s for i in left)
    if last <= first:
        return 0.0
    a = [s for i in left for s in nodes[i].spans if s.end_s > first]
    b = [s for j in right for s in nodes[j].spans if s.start_s < last]
    return total_s(intersect(a, b))
