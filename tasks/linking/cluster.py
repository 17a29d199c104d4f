"""Nodes -> the recording's voices: constrained agglomerative clustering with a PLDA model of the recording itself."""

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
"""Units clustered at once, at most; clusters of several blocks are clustered again, which bounds memory and time."""
PART_S = 60.0
"""Split-off labels with less speech than this, in seconds, don't count towards a voice's seconds of speech."""
SHIFTS = 4
"""Channel shifts of a recording, at most."""
CAREFUL = 5.0
"""Log odds above which pairs are merged within a block."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Options of linking, in seconds and log odds; none depends on the speaker model."""

    reliable_s: float = 6.0
    """Nodes with less speech than this don't seed a voice while longer ones exist …"""
    reliable_share: float = 0.05
    """… or, in less than two minutes of speech, nodes with less than this share of it: in a recording of one minute a
    speaker may say a single sentence."""
    least_share: float = 0.0005
    """A voice has at least this share of the recording's speech …"""
    enough_s: float = 20.0
    """… or this much, if that is less: rarer voices are mostly laughter, coughs or passers-by."""
    doubt: float = 1.0
    """Log odds by which a short node must prefer its voice to any other, else it stays unassigned."""
    least: int | None = None
    """Speakers of the recording, at least; None where open."""
    most: int | None = None


@dataclass(frozen=True, eq=False)
class VoiceClusters:
    """`voice[i]`: cluster (from 0) of the i-th node, −1 where unassigned. `voices`: the K clusters as groups of
    `model`, in coordinates from which the chunks' channel shifts have been subtracted."""

    voice: list[int]
    model: Plda
    voices: Groups
    shifts: tuple[tuple[int, Array], ...]
    """(first chunk, (D,) vector in whitened space), each in force from that chunk on."""

    singles: Groups
    """The units (see `seeds`), one group each."""
    units: list[list[int]]
    """Nodes of each unit."""

    def leave_one_out(self, nodes: Sequence[Node]) -> dict[tuple[int, int], Groups]:
        """For each node that is alone in its unit, by (chunk, local speaker): the voices without that node."""
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
        """The chunk's channel shift (D,) in whitened space."""
        return sum_shifts(self.shifts, chunk, len(self.model.axes))


def sum_shifts(shifts: Sequence[tuple[int, Array]], chunk: int, dim: int) -> Array:
    """(D,) of all shifts since whose chunks this one comes."""
    return sum((vector for since, vector in shifts if chunk >= since), np.zeros(dim))


def cluster(nodes: Sequence[Node], whitening: Whitening, options: LinkOptions) -> VoiceClusters:
    """Cluster one or more nodes. Deterministic, and independent of the nodes' order."""
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
    """Fit the PLDA model to one or more nodes."""
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
    """Mean (U, D) and number of windows (U,) of each unit."""
    pairs = [pool_nodes(nodes, placed, u) for u in units]
    return np.array([p for p, _ in pairs]), np.array([n for _, n in pairs], float)


def _split_off(members: Sequence[Sequence[int]], units: Sequence[int]) -> list[list[int]]:
    """Remove `units` from the voices `members` and append each as a voice of its own."""
    gone = set(units)
    stay = [[u for u in m if u not in gone] for m in members]
    return [m for m in stay if m] + [[u] for u in units]


def _merge_units(singles: Groups, evidence: Any, options: LinkOptions) -> list[list[int]]:
    """Merge units to voices, refine the assignment, then merge what is still alike; units of each voice."""
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
    """Sum the pairwise log odds (U, U) of units to (G, G) of the groups `members`; the diagonal is 0."""
    from scipy.sparse import csr_array

    units = np.concatenate([np.array(m) for m in members])
    groups = np.repeat(np.arange(len(members)), [len(m) for m in members])
    belongs = csr_array((np.ones(len(units)), (units, groups)), shape=(evidence.shape[0], len(members)))
    out: Array = (belongs.T @ evidence @ belongs).toarray()
    np.fill_diagonal(out, 0.0)
    return out


def _seed_s(node: Node) -> float:
    # Short split-off labels belong to known voices, or to overlapped speech.
    return 0.0 if node.is_split and node.seconds < PART_S else node.seconds


def _select_lasting(
    members: list[list[int]], seconds: Array, reliable_s: float, options: LinkOptions
) -> list[list[int]]:
    """Keep the voices with enough speech; never fewer than `options.least`, or one."""
    needed = min(options.enough_s, max(reliable_s, options.least_share * float(seconds.sum())))
    by_size = sorted(members, key=lambda m: (-float(seconds[m].sum()), m))
    # Where no voice has enough, all are kept.
    kept = [m for m in by_size if float(seconds[m].sum()) >= needed] or by_size
    return kept if len(kept) >= (options.least or 1) else by_size[: options.least or 1]
