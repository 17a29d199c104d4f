"""Nodes -> the recording's voices: constrained agglomerative clustering by odds, with the recording's own spreads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.linking.agglomerate import agglomerate
from tasks.linking.model import Groups, Model, session_size
from tasks.linking.nodes import Array, Node
from tasks.linking.pairs import evidence, together, twins
from tasks.linking.short import assign
from tasks.linking.spread import Spread

BLOCK = 1000
"""Units clustered at once, at most; what blocks find is clustered again, so that memory and time stay bounded."""
CAREFUL = 5.0
"""Log odds: within a block, only what is surer than this is joined."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Seconds, and log odds; nothing here depends on the speaker model."""

    reliable_s: float = 6.0
    """Nodes with less speech than this don't found a voice of their own while others do."""
    least_share: float = 0.0005
    """A voice has at least this share of the recording's speech …"""
    enough_s: float = 20.0
    """… or this much, if that is less: what is rarer is mostly laughter, a cough, somebody passing by."""
    doubt: float = 1.0
    """Log odds by which a short node must be more likely its voice than any other, else it is nobody we can name."""
    least: int | None = None
    """Speakers of the recording, at least; None where open."""
    most: int | None = None


@dataclass(frozen=True, eq=False)
class Clustered:
    """`voice[i]` (0 …) of the i-th node, −1 where none could be told; `voices` as K groups of `model`."""

    voice: list[int]
    model: Model
    voices: Groups


def cluster(nodes: Sequence[Node], spread: Spread, options: LinkOptions) -> Clustered:
    """The voices of one or more nodes. Deterministic, whatever the nodes' order."""
    order = sorted(range(len(nodes)), key=lambda i: (nodes[i].chunk, nodes[i].local))
    placed = spread(np.array([n.mean for n in nodes]))
    sure = [i for i in order if nodes[i].seconds >= options.reliable_s] or order
    units = [[sure[k] for k in t] for t in twins([nodes[i] for i in sure], placed[sure])]
    pairs = [together(nodes, placed, u) for u in units]
    where, windows = np.array([p for p, _ in pairs]), np.array([n for _, n in pairs], float)
    beside = evidence(nodes, units)
    heard_twice = np.argwhere(beside.toarray() > 0) if len(units) <= BLOCK else np.stack((beside > 0).nonzero(), 1)
    model = Model.of(where, windows, session_size(where, windows, heard_twice))
    singles = model.groups(where, windows)
    members = _joined(singles, beside, options)
    members = _lasting(members, np.array([sum(nodes[i].seconds for i in u) for u in units]), options)
    voices = singles.of(members)
    voice = [-1] * len(nodes)
    for k, group in enumerate(members):
        for i in (i for u in group for i in units[u]):
            voice[i] = k
    rest = [i for i in order if voice[i] < 0]
    assign(nodes, placed, voice, rest, voices, options.doubt)
    return Clustered(voice, model, voices)


def _joined(singles: Groups, beside: Any, options: LinkOptions) -> list[list[int]]:
    least, most = options.least or 1, options.most
    count = len(singles.precision)
    if count <= BLOCK:
        return agglomerate(singles, beside.toarray(), least=least, most=most)
    groups = []
    for first in range(0, count, BLOCK):
        mine = np.arange(first, min(first + BLOCK, count))
        alone, known = singles.of([[int(u)] for u in mine]), beside[mine][:, mine].toarray()
        groups += [mine[g].tolist() for g in agglomerate(alone, known, threshold=CAREFUL, least=least)]
    again = agglomerate(singles.of(groups), _between(beside, groups), least=least, most=most)
    return [sorted(u for k in g for u in groups[k]) for g in again]


def _between(beside: Any, members: Sequence[Sequence[int]]) -> Array:
    """What is known of pairs of units, summed to (G, G) of their groups."""
    from scipy.sparse import csr_array

    units = np.concatenate([np.array(m) for m in members])
    groups = np.repeat(np.arange(len(members)), [len(m) for m in members])
    belongs = csr_array((np.ones(len(units)), (units, groups)), shape=(beside.shape[0], len(members)))
    out: Array = (belongs.T @ beside @ belongs).toarray()
    np.fill_diagonal(out, 0.0)
    return out


def _lasting(members: list[list[int]], seconds: Array, options: LinkOptions) -> list[list[int]]:
    """The voices that speak enough to be some; never fewer than the least number asked for, or one."""
    needed = min(options.enough_s, max(options.reliable_s, options.least_share * float(seconds.sum())))
    by_size = sorted(members, key=lambda m: (-float(seconds[m].sum()), m))
    # Where nobody speaks for long, everybody counts.
    kept = [m for m in by_size if float(seconds[m].sum()) >= needed] or by_size
    return kept if len(kept) >= (options.least or 1) else by_size[: options.least or 1]
