"""Linking as a whole: nodes, clustering, windows given anew, turns and names."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.linking.asked import parted_once
from tasks.linking.cluster import Clustered, LinkOptions, cluster, modelled
from tasks.linking.nodes import Array, ChunkVoices, Node, nodes_of, seconds_of, unit
from tasks.linking.parts import parted
from tasks.linking.spread import Spread, measure
from tasks.linking.turns import chunk_turns, own_turns
from tasks.linking.windows import Labelled, given_anew
from tasks.records import UNKNOWN, Turn

log = logging.getLogger("daylong.linking")

PARTINGS = 3
"""Rounds of clustering and parting, at most."""


@dataclass(frozen=True, eq=False)
class Linked:
    """The recording's voices. Speakers are numbered by first appearance.

    `labels[i]` and `margins[i]` belong to the i-th of the given chunks: (N,) speakers of its windows (−1: unknown)
    and the cosine distance to the second-best minus that to the best voice (NaN for an only voice).
    `embeddings`: (K, D) unit length. `turns`: of the cores, sorted.
    """

    labels: tuple[Array, ...]
    margins: tuple[Array, ...]
    embeddings: Array
    turns: tuple[Turn, ...]

    def speaker_margins(self) -> list[float | None]:
        """For each speaker, the mean margin of its windows."""
        out: list[float | None] = []
        for k in range(len(self.embeddings)):
            values = np.concatenate([m[lab == k] for m, lab in zip(self.margins, self.labels, strict=True)])
            values = values[np.isfinite(values)]
            out.append(float(values.mean()) if len(values) else None)
        return out


def link(chunks: Sequence[ChunkVoices], options: LinkOptions | None = None, *, reassign: bool = True) -> Linked:
    """The recording's speakers from its chunks' local ones.

    `reassign` gives every window anew to the voices afterwards, which mends chunks whose own diarizer merged or
    split people; off, windows keep their local speaker's voice (for diarizers that see overlapping speech). The log
    says where that gives fewer speakers than were asked for.
    """
    options = options or LinkOptions()
    labels, voices = _by_appearance(chunks, _labels(chunks, options, reassign=reassign))
    if len(voices) < (options.least or 0):
        log.warning("%d speakers were asked for, and %d found: no more can be told apart", options.least, len(voices))
    margins = [_margins(c, lab, voices) for c, lab in zip(chunks, labels, strict=True)]
    turns = []
    for c, lab in zip(chunks, labels, strict=True):
        rows = chunk_turns(c, lab) if reassign or not len(c.turns) else own_turns(c, lab)
        turns += [Turn(a, b, f"SPEAKER_{k:02d}" if k >= 0 else UNKNOWN) for a, b, k in rows]
    return Linked(tuple(labels), tuple(margins), voices, tuple(_across_cores(turns)))


def _labels(chunks: Sequence[ChunkVoices], options: LinkOptions, *, reassign: bool) -> list[Array]:
    nodes = nodes_of(chunks)
    if not nodes:
        return [np.full(len(c.labels), -1, dtype=np.int64) for c in chunks]
    spread = measure(chunks, nodes)
    before = chunks
    if reassign:
        chunks, nodes, found = _with_parts(chunks, nodes, spread, options)
    else:
        found = cluster(nodes, spread, options)
    by_node = {(n.chunk, n.local): v for n, v in zip(nodes, found.voice, strict=True)}
    passing: dict[int, list[int]] = {}
    founders = {i for together in found.units for i in together}
    for i, node in enumerate(nodes):
        if node.passing and i not in founders:
            passing.setdefault(node.chunk, []).append(node.local)
    linked = [_linked(c, whole, by_node) for c, whole in zip(chunks, before, strict=True)]
    if not reassign:
        return [which[c.labels].astype(np.int64) for c, which in zip(chunks, linked, strict=True)]
    orders = [np.lexsort((c.ends_s, c.starts_s)) for c in chunks]
    heard = (
        Labelled(
            (spread(c.embeddings[order].astype(np.float64)) - found.shift(c.index)) @ found.model.axes,
            c.labels[order],
            which,
            passing.get(c.index, ()),
        )
        for c, order, which in zip(chunks, orders, linked, strict=True)
    )
    out = []
    for order, voices in zip(orders, given_anew(heard, found.voices), strict=True):
        anew = np.empty(len(order), np.int64)
        anew[order] = voices
        out.append(anew)
    return out


def _linked(chunk: ChunkVoices, whole: ChunkVoices, by_node: Mapping[tuple[int, int], int]) -> Array:
    """The voice of each of a chunk's labels; `whole`: the chunk before some of them were parted."""
    # The last place is for windows of nobody, whose label is −1.
    labels = range(max(chunk.locals, default=-1) + 1)
    linked = np.array([by_node.get((chunk.index, k), -1) for k in labels] + [-1])
    for k in chunk.locals:
        # A part that is nobody's is the rest's after all.
        linked[k] = linked[k] if linked[k] >= 0 else linked[whole.labels[chunk.labels == k][0]]
    return linked


def _with_parts(
    chunks: Sequence[ChunkVoices], nodes: list[Node], spread: Spread, options: LinkOptions
) -> tuple[list[ChunkVoices], list[Node], Clustered]:
    """Clustered with labels parted that hold two voices: first those that plainly do, then those that sound like two
    of the voices found; and others too while there are fewer voices than were asked for."""
    before, placed = chunks, [spread(c.embeddings.astype(np.float64)) for c in chunks]
    model = modelled(nodes, spread, options)
    labels = parted(chunks, [p @ model.axes for p in placed], model)
    for _ in range(PARTINGS):
        chunks = [replace(c, labels=p) for c, p in zip(chunks, labels, strict=True)]
        nodes = nodes_of(chunks, before)
        found = cluster(nodes, spread, options)
        along = [(p - found.shift(c.index)) @ found.model.axes for c, p in zip(chunks, placed, strict=True)]
        labels = parted(chunks, along, found.model, found.without(nodes))
        if all(np.array_equal(c.labels, p) for c, p in zip(chunks, labels, strict=True)):
            break
    while len(found.voices.precision) < (options.least or 1):
        along = [(p - found.shift(c.index)) @ found.model.axes for c, p in zip(chunks, placed, strict=True)]
        more = parted_once(chunks, along, found.model)
        if more is None:
            break
        chunks, nodes = more, nodes_of(more, before)
        found = cluster(nodes, spread, options)
    return list(chunks), nodes, found


def _across_cores(turns: list[Turn]) -> list[Turn]:
    # A turn that was cut at a core's border is one turn again.
    out: list[Turn] = []
    for turn in sorted(turns, key=lambda t: (t.start_s, t.end_s, t.speaker)):
        if out and out[-1].speaker == turn.speaker and turn.start_s - out[-1].end_s <= 1e-3:
            out[-1] = replace(out[-1], end_s=max(out[-1].end_s, turn.end_s))
        else:
            out.append(turn)
    return out


def _by_appearance(chunks: Sequence[ChunkVoices], labels: Sequence[Array]) -> tuple[list[Array], Array]:
    """Labels numbered by first appearance, and the (K, D) unit means of their windows, weighted by seconds."""
    first: dict[int, float] = {}
    for c, lab in zip(chunks, labels, strict=True):
        inside = (c.ends_s > c.core.start_s) & (c.starts_s < c.core.end_s)
        for start, k in zip(c.starts_s[inside].tolist(), lab[inside].tolist(), strict=True):
            if k >= 0:
                first[k] = min(start, first.get(k, start))
    order = sorted(first, key=lambda k: (first[k], k))
    new = {old: i for i, old in enumerate(order)}
    renamed = [np.array([new.get(int(k), -1) for k in lab], dtype=np.int64) for lab in labels]
    sums = np.zeros((len(order), chunks[0].embeddings.shape[1] if chunks else 0))
    for c, lab in zip(chunks, renamed, strict=True):
        heard = lab >= 0
        np.add.at(sums, lab[heard], seconds_of(c)[heard, None] * c.embeddings[heard].astype(np.float64))
    return renamed, unit(sums)


def _margins(chunk: ChunkVoices, labels: Array, voices: Array) -> Array:
    if len(labels) == 0 or len(voices) < 2:
        return np.full(len(labels), np.nan)
    like = chunk.embeddings.astype(np.float64) @ voices.T
    rows = np.arange(len(labels))
    own = like[rows, np.maximum(labels, 0)]
    like[rows, np.maximum(labels, 0)] = -np.inf
    return np.where(labels >= 0, own - like.max(1), np.nan)
