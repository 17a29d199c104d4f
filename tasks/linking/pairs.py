"""Evidence on pairs of nodes besides their embeddings: cannot-link within a chunk, shared speech in the overlaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.intervals import intersect, measure_union_s
from tasks.linking.nodes import Array, Node
from tasks.linking.within_covariance import REPEATED

APART = -20.0
"""Log odds of one voice for two local speakers of one chunk, whom their diarizer separated."""
SHARED_FLOOR_S = 2.0
"""Seconds that two neighbours' local speakers must share in the overlap before they count as evidence."""
SHARED = 4.0
"""Log odds of one voice for each such second …"""
SHARED_MOST = 30.0
"""… up to this, as either chunk's diarizer may be wrong."""
TWIN = 3.0
"""Long local speakers of one chunk nearer than this, in standard deviations of a window, are one voice that was
split:
halves of one voice's windows, split where they differ most, lie at most 2.7 apart, and 99 % of pairs of real readers
lie beyond 4."""


def merge_twins(nodes: Sequence[Node], placed: Array, least: int = 1) -> list[list[int]]:
    """Merge nodes of one chunk that are one split voice; returns groups of node indices, at least `least` of them if
    there are as many nodes. `placed` (N, D), whitened means."""
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
    # The squared distance less its expectation for two means of so few windows.
    (a, n), (b, m) = (pool_nodes(nodes, placed, g) for g in (left, right))
    return float(np.square(a - b).sum()) - REPEATED * len(a) * (1 / n + 1 / m)


def pool_nodes(nodes: Sequence[Node], placed: Array, group: Sequence[int]) -> tuple[Array, int]:
    """Pool the nodes `group`: (mean (D,), number of windows)."""
    count = np.array([nodes[i].windows for i in group])
    position: Array = (placed[list(group)] * count[:, None]).sum(0) / count.sum()
    return position, int(count.sum())


def pair_evidence(nodes: Sequence[Node], units: Sequence[Sequence[int]]) -> Any:
    """Sparse, symmetric matrix (U, U) of log odds of one voice for pairs of `units` (lists of nodes of one chunk)."""
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
    return measure_union_s(intersect(a, b))
