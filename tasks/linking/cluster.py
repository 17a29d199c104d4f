"""Constrained agglomerative clustering of nodes into the recording's voices.

Average linkage by centroids weighted with seconds. Nodes of one chunk must not be joined, unless they are
near-identical twins: a diarizer sometimes splits one voice in two. Seconds that two neighbouring chunks both gave
to a pair of their local speakers, in the overlap, raise that pair's likeness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.intervals import Span, intersect, total_s
from tasks.linking.nodes import Array, Node, unit


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Cosine likenesses and seconds; none depends on the recording's length."""

    threshold: float = 0.5
    """Voices less alike than this are different people."""
    twin: float = 0.85
    """Local speakers of one chunk at least this alike are one voice that its diarizer split."""
    reliable_s: float = 6.0
    """Nodes with less speech than this don't found a voice of their own while others do."""
    strange: float = 0.2
    """A short node less like every voice than this is nobody we can name."""
    shared_floor_s: float = 2.0
    """Seconds shared in an overlap before they count as evidence."""
    shared_bonus: float = 0.15
    least: int | None = None
    most: int | None = None


def cluster(nodes: Sequence[Node], options: LinkOptions) -> list[int]:
    """A voice (0 …) for every node, −1 where none could be told. Deterministic, whatever the nodes' order."""
    if not nodes:
        return []
    order = sorted(range(len(nodes)), key=lambda i: (-round(nodes[i].seconds, 3), nodes[i].chunk, nodes[i].local))
    sure = [i for i in order if nodes[i].seconds >= options.reliable_s] or order
    groups = _agglomerate([nodes[i] for i in sure], options)
    voice = [-1] * len(nodes)
    for k, members in enumerate(groups):
        for m in members:
            voice[sure[m]] = k
    _assign_rest(nodes, voice, [i for i in order if i not in set(sure)], options)
    return voice


def _agglomerate(nodes: Sequence[Node], options: LinkOptions) -> list[list[int]]:
    count = len(nodes)
    likeness = _likeness(nodes, options)
    sums = np.array([n.centroid * n.seconds for n in nodes])
    bonus = likeness - np.array([n.centroid for n in nodes]) @ np.array([n.centroid for n in nodes]).T
    members: list[list[int]] = [[i] for i in range(count)]
    chunks = [{n.chunk} for n in nodes]
    alive = np.ones(count, bool)
    apart = np.array([[a.chunk == b.chunk for b in nodes] for a in nodes])
    np.fill_diagonal(likeness, -np.inf)
    while alive.sum() > max(1, options.least or 1):
        allowed = np.where(apart & (likeness < options.twin), -np.inf, likeness)
        a, b = np.unravel_index(int(np.argmax(allowed)), allowed.shape)
        too_many = options.most is not None and alive.sum() > options.most
        if allowed[a, b] < options.threshold and too_many:
            # More voices than were said to be there: the constraint within a chunk gives way last.
            if not np.isfinite(allowed[a, b]):
                a, b = np.unravel_index(int(np.argmax(likeness)), likeness.shape)
        elif allowed[a, b] < options.threshold:
            break
        keep, gone = (int(a), int(b)) if a < b else (int(b), int(a))
        members[keep] += members[gone]
        chunks[keep] |= chunks[gone]
        sums[keep] += sums[gone]
        bonus[keep] = np.maximum(bonus[keep], bonus[gone])
        bonus[:, keep] = bonus[keep]
        alive[gone] = False
        centroids = unit(sums)
        likeness[keep] = np.where(alive, centroids @ centroids[keep] + bonus[keep], -np.inf)
        likeness[keep, keep] = -np.inf
        likeness[:, keep] = likeness[keep]
        likeness[gone] = likeness[:, gone] = -np.inf
        apart[keep] = apart[:, keep] = [bool(chunks[keep] & c) for c in chunks]
    return [members[i] for i in range(count) if alive[i]]


def _likeness(nodes: Sequence[Node], options: LinkOptions) -> Array:
    centroids = np.array([n.centroid for n in nodes])
    out: Array = centroids @ centroids.T
    for i, a in enumerate(nodes):
        for j in range(i):
            b = nodes[j]
            if abs(a.chunk - b.chunk) != 1:
                continue
            shared = total_s(intersect([Span(*s) for s in a.spans], [Span(*s) for s in b.spans]))
            if shared >= options.shared_floor_s:
                share = min(1.0, shared / 10.0)
                out[i, j] = out[j, i] = out[i, j] + options.shared_bonus * share
    return out


def _assign_rest(nodes: Sequence[Node], voice: list[int], rest: list[int], options: LinkOptions) -> None:
    from scipy.optimize import linear_sum_assignment

    count = max(voice) + 1
    if not rest or count == 0:
        return
    centroids = voices_of(nodes, voice)
    for chunk in sorted({nodes[i].chunk for i in rest}):
        mine = [i for i in rest if nodes[i].chunk == chunk]
        taken = {voice[i] for i in range(len(nodes)) if nodes[i].chunk == chunk and voice[i] >= 0}
        like = np.array([nodes[i].centroid for i in mine]) @ centroids.T
        # A voice that the chunk already has is open only to its twin: a splinter of the same voice.
        cost = np.where([k in taken for k in range(count)], np.where(like >= options.threshold, -like, 2.0), -like)
        rows, columns = linear_sum_assignment(cost)
        chosen = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        for row, i in enumerate(mine):
            best = chosen.get(row, int(np.argmax(like[row])))
            if cost[row, best] > 1.0:
                best = int(np.argmax(like[row]))
            voice[i] = best if like[row, best] >= options.strange else -1


def voices_of(nodes: Sequence[Node], voice: Sequence[int]) -> Array:
    """(K, D) unit centroids of the voices, weighted by seconds."""
    count = max(voice, default=-1) + 1
    sums = np.zeros((count, len(nodes[0].centroid)))
    for node, k in zip(nodes, voice, strict=True):
        if k >= 0:
            sums[k] += node.centroid * node.seconds
    return unit(sums)
