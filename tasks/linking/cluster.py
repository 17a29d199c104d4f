"""Nodes -> the recording's voices: constrained agglomerative clustering by odds, with the recording's own spreads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.linking.agglomerate import agglomerate
from tasks.linking.assign_short import assign_short_nodes, assign_transition_nodes
from tasks.linking.channel_shift import find_channel_shift
from tasks.linking.nodes import Array, Node, order_nodes
from tasks.linking.outliers import find_outliers
from tasks.linking.pairs import pair_evidence, pool_nodes
from tasks.linking.plda import Groups, Plda, estimate_session_variance
from tasks.linking.refine import refine_assignments
from tasks.linking.seeds import find_seeds
from tasks.linking.within_covariance import Whitening

BLOCK = 1000
"""Units clustered at once, at most; what blocks find is clustered again, so that memory and time stay bounded."""
PART_S = 60.0
"""Parts of labels with less speech than this don't found a voice."""
SHIFTS = 4
"""Of a recording, at most."""
CAREFUL = 5.0
"""Log odds: within a block, only what is surer than this is joined."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Seconds, and log odds; nothing here depends on the speaker model."""

    reliable_s: float = 6.0
    """Nodes with less speech than this don't found a voice of their own while others do …"""
    reliable_share: float = 0.05
    """… in less than two minutes of speech, those with less than this share of it: of one minute, 6 s are much, and
    whoever says one sentence would be nobody, or somebody else."""
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
class VoiceClusters:
    """`voice[i]` (0 …) of the i-th node, −1 where none could be told; `voices` as K groups of `model`. What lies in a
    chunk is where the voices say once its shift is taken off."""

    voice: list[int]
    model: Plda
    voices: Groups
    shifts: tuple[tuple[int, Array], ...]
    """(chunk, (D,) vector in the space of the spread): from that chunk on."""

    singles: Groups
    """The units: nodes that clustering took together as one."""
    units: list[list[int]]
    """Nodes of each unit."""

    def leave_one_out(self, nodes: Sequence[Node]) -> dict[tuple[int, int], Groups]:
        """(chunk, local speaker) of each node, alone in its unit: the voices as they are without it."""
        out = {}
        units_of = Counter(self.voice[unit[0]] for unit in self.units)
        for u, unit in enumerate(self.units):
            k = self.voice[unit[0]]
            if len(unit) > 1:
                continue
            precision, information = self.voices.precision.copy(), self.voices.information.copy()
            left = np.arange(len(precision))
            if k >= 0:
                precision[k] -= self.singles.precision[u]
                information[k] -= self.singles.information[u]
                left = np.delete(left, k) if units_of[k] == 1 else left
            if len(left):
                node = nodes[unit[0]]
                out[node.chunk, node.local] = Groups(self.model, precision[left], information[left])
        return out

    def total_shift(self, chunk: int) -> Array:
        """(D,) by which everything of the chunk is off, in the space of the spread."""
        return sum_shifts(self.shifts, chunk, len(self.model.axes))


def sum_shifts(shifts: Sequence[tuple[int, Array]], chunk: int, dim: int) -> Array:
    """(D,) of all shifts since whose chunks this one comes."""
    return sum((vector for since, vector in shifts if chunk >= since), np.zeros(dim))


def cluster(nodes: Sequence[Node], whitening: Whitening, options: LinkOptions) -> VoiceClusters:
    """The voices of one or more nodes. Deterministic, whatever the nodes' order."""
    placed = whitening(np.array([n.mean for n in nodes]))
    units = _find_units(nodes, placed, options)
    evidence = pair_evidence(nodes, units)
    chunks = np.array([nodes[u[0]].chunk for u in units])
    shifts: list[tuple[int, Array]] = []
    singles = _fit_units(nodes, placed, units, evidence)
    members = _merge_units(singles, evidence, options)
    while len(shifts) < SHIFTS and (found := find_channel_shift(singles, chunks, members, evidence)):
        shifts.append((found.since, singles.model.axes @ found.vector))
        placed[[n.chunk >= found.since for n in nodes]] -= shifts[-1][1]
        singles = _fit_units(nodes, placed, units, evidence)
        members = _merge_units(singles, evidence, options)
    room = len(units) if options.most is None else max(0, options.most - len(members))
    members = _split_off(members, find_outliers(singles, *_pool_units(nodes, placed, units), members)[:room])
    seconds = np.array([sum(_seed_s(nodes[i]) for i in u) for u in units])
    members = _select_lasting(members, seconds, _reliable_s(nodes, options), options)
    voices = singles.of(members)
    voice = [-1] * len(nodes)
    for k, group in enumerate(members):
        for i in (i for u in group for i in units[u]):
            voice[i] = k
    rest = [i for i in order_nodes(nodes) if voice[i] < 0]
    assign_short_nodes(nodes, placed, voice, rest, voices, options.doubt)
    assign_transition_nodes(nodes, placed, voice, voices)
    return VoiceClusters(voice, singles.model, voices, tuple(shifts), singles, units)


def fit_plda(nodes: Sequence[Node], whitening: Whitening, options: LinkOptions) -> Plda:
    """How voices vary, from one or more nodes."""
    placed = whitening(np.array([n.mean for n in nodes]))
    units = _find_units(nodes, placed, options)
    return _fit_units(nodes, placed, units, pair_evidence(nodes, units)).model


def _find_units(nodes: Sequence[Node], placed: Array, options: LinkOptions) -> list[list[int]]:
    return find_seeds(nodes, placed, _reliable_s(nodes, options), options.least or 1)


def _reliable_s(nodes: Sequence[Node], options: LinkOptions) -> float:
    return min(options.reliable_s, options.reliable_share * sum(n.seconds for n in nodes))


def _fit_units(nodes: Sequence[Node], placed: Array, units: Sequence[Sequence[int]], evidence: Any) -> Groups:
    where, windows = _pool_units(nodes, placed, units)
    same_voice = np.argwhere(evidence.toarray() > 0) if len(units) <= BLOCK else np.stack((evidence > 0).nonzero(), 1)
    model = Plda.estimate(where, windows, estimate_session_variance(where, windows, same_voice))
    return model.groups(where, windows)


def _pool_units(nodes: Sequence[Node], placed: Array, units: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """(U, D) place and (U,) windows of each unit."""
    pairs = [pool_nodes(nodes, placed, u) for u in units]
    return np.array([p for p, _ in pairs]), np.array([n for _, n in pairs], float)


def _split_off(members: Sequence[Sequence[int]], units: Sequence[int]) -> list[list[int]]:
    """The voices without these units, and each of these as a voice of its own."""
    gone = set(units)
    stay = [[u for u in m if u not in gone] for m in members]
    return [m for m in stay if m] + [[u] for u in units]


def _merge_units(singles: Groups, evidence: Any, options: LinkOptions) -> list[list[int]]:
    """Units of each voice: joined, gone over, and what is left alike then joined again."""
    found = refine_assignments(singles, evidence, _merge_in_blocks(singles, evidence, options), options.least or 1)
    sizes = [len(units) for units in found]
    again = agglomerate(
        singles.of(found), _sum_evidence(evidence, found), sizes, least=options.least or 1, most=options.most
    )
    return [sorted(u for k in g for u in found[k]) for g in again]


def _merge_in_blocks(singles: Groups, evidence: Any, options: LinkOptions) -> list[list[int]]:
    least, most = options.least or 1, options.most
    count = len(singles.precision)
    if count <= BLOCK:
        return agglomerate(singles, evidence.toarray(), least=least, most=most)
    groups = []
    for first in range(0, count, BLOCK):
        mine = np.arange(first, min(first + BLOCK, count))
        alone, known = singles.of([[int(u)] for u in mine]), evidence[mine][:, mine].toarray()
        groups += [mine[g].tolist() for g in agglomerate(alone, known, threshold=CAREFUL, least=least)]
    sizes = [len(units) for units in groups]
    again = agglomerate(singles.of(groups), _sum_evidence(evidence, groups), sizes, least=least, most=most)
    return [sorted(u for k in g for u in groups[k]) for g in again]


def _sum_evidence(evidence: Any, members: Sequence[Sequence[int]]) -> Array:
    """What is known of pairs of units, summed to (G, G) of their groups."""
    from scipy.sparse import csr_array

    units = np.concatenate([np.array(m) for m in members])
    groups = np.repeat(np.arange(len(members)), [len(m) for m in members])
    belongs = csr_array((np.ones(len(units)), (units, groups)), shape=(evidence.shape[0], len(members)))
    out: Array = (belongs.T @ evidence @ belongs).toarray()
    np.fill_diagonal(out, 0.0)
    return out


def _seed_s(node: Node) -> float:
    # Short parts of labels are of voices that are known, or where two talked at once.
    return 0.0 if node.is_split and node.seconds < PART_S else node.seconds


def _select_lasting(
    members: list[list[int]], seconds: Array, reliable_s: float, options: LinkOptions
) -> list[list[int]]:
    """The voices that speak enough to be some; never fewer than the least number asked for, or one."""
    needed = min(options.enough_s, max(reliable_s, options.least_share * float(seconds.sum())))
    by_size = sorted(members, key=lambda m: (-float(seconds[m].sum()), m))
    # Where nobody speaks for long, everybody counts.
    kept = [m for m in by_size if float(seconds[m].sum()) >= needed] or by_size
    return kept if len(kept) >= (options.least or 1) else by_size[: options.least or 1]
