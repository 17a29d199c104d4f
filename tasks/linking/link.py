"""Linking as a whole: nodes, clustering, resegmentation, turns and speaker names."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.linking.cluster import LinkOptions, VoiceClusters, cluster, fit_plda
from tasks.linking.nodes import Array, ChunkVoices, Node, build_nodes, normalize, window_seconds
from tasks.linking.resegment import LabelledWindows, resegment
from tasks.linking.split_labels import split_labels
from tasks.linking.split_to_count import split_one_label
from tasks.linking.turns import turns_from_diarizer, turns_from_local_turns, turns_from_windows
from tasks.linking.within_covariance import Whitening, estimate_whitening
from tasks.records import UNKNOWN, Turn

log = logging.getLogger("daylong.linking")

PARTINGS = 3
"""Rounds of clustering and label splitting, at most."""


@dataclass(frozen=True, eq=False)
class LinkResult:
    """The recording's K speakers, numbered by first appearance.

    `labels[i]`: (N,) speakers of the i-th chunk's windows, −1 for unknown. `margins[i]`: (N,) cosine similarity to
    the
    window's speaker minus that to the best other one; NaN where unknown or with a single speaker. `embeddings`:
    (K, D), unit length. `turns`: turns within the chunks' cores, sorted, in recording seconds.
    """

    labels: tuple[Array, ...]
    margins: tuple[Array, ...]
    embeddings: Array
    turns: tuple[Turn, ...]

    def speaker_margins(self) -> list[float | None]:
        """Mean margin of each speaker's windows; None where no margin is defined."""
        out: list[float | None] = []
        for k in range(len(self.embeddings)):
            values = np.concatenate([m[lab == k] for m, lab in zip(self.margins, self.labels, strict=True)])
            values = values[np.isfinite(values)]
            out.append(float(values.mean()) if len(values) else None)
        return out


def link(chunks: Sequence[ChunkVoices], options: LinkOptions | None = None, *, reassign: bool = True) -> LinkResult:
    """Link the chunks' local speakers to speakers of the recording.

    `reassign`: resegment the windows with the recording's speakers afterwards, which corrects chunks whose diarizer
    merged or split speakers; if False, windows keep their local speaker's voice. Turns that a diarizer found itself,
    which may overlap, stay as they are, but for their speakers. Logs a warning where fewer than `options.least`
    speakers are found.
    """
    options = options or LinkOptions()
    labels, voices = _number_by_appearance(chunks, _label_windows(chunks, options, reassign=reassign))
    if len(voices) < (options.least or 0):
        log.warning("%d speakers were asked for, and %d found: no more can be told apart", options.least, len(voices))
    margins = [_compute_margins(c, lab, voices) for c, lab in zip(chunks, labels, strict=True)]
    turns = []
    for c, lab in zip(chunks, labels, strict=True):
        if not len(c.turns):
            rows = turns_from_windows(c, lab)
        else:
            rows = turns_from_local_turns(c, lab) if reassign else turns_from_diarizer(c, lab)
        turns += [Turn(a, b, f"SPEAKER_{k:02d}" if k >= 0 else UNKNOWN) for a, b, k in rows]
    return LinkResult(tuple(labels), tuple(margins), voices, tuple(_join_across_cores(turns)))


def _label_windows(chunks: Sequence[ChunkVoices], options: LinkOptions, *, reassign: bool) -> list[Array]:
    nodes = build_nodes(chunks)
    if not nodes:
        return [np.full(len(c.labels), -1, dtype=np.int64) for c in chunks]
    whitening = estimate_whitening(chunks, nodes)
    before = chunks
    if reassign:
        chunks, nodes, found = _cluster_with_splits(chunks, nodes, whitening, options)
    else:
        found = cluster(nodes, whitening, options)
    by_node = {(n.chunk, n.local): v for n, v in zip(nodes, found.voice, strict=True)}
    transitions: dict[int, list[int]] = {}
    founders = {i for together in found.units for i in together}
    for i, node in enumerate(nodes):
        if node.is_transition and i not in founders:
            transitions.setdefault(node.chunk, []).append(node.local)
    linked = [_map_labels(c, whole, by_node) for c, whole in zip(chunks, before, strict=True)]
    if not reassign:
        return [which[c.labels].astype(np.int64) for c, which in zip(chunks, linked, strict=True)]
    orders = [np.lexsort((c.ends_s, c.starts_s)) for c in chunks]
    heard = (
        LabelledWindows(
            (whitening(c.embeddings[order].astype(np.float64)) - found.total_shift(c.index)) @ found.model.axes,
            c.labels[order],
            which,
            transitions.get(c.index, ()),
        )
        for c, order, which in zip(chunks, orders, linked, strict=True)
    )
    out = []
    for order, voices in zip(orders, resegment(heard, found.voices), strict=True):
        anew = np.empty(len(order), np.int64)
        anew[order] = voices
        out.append(anew)
    return out


def _map_labels(chunk: ChunkVoices, whole: ChunkVoices, by_node: Mapping[tuple[int, int], int]) -> Array:
    """The voice of each of a chunk's labels (−1: none), (L + 1,); `whole`: the chunk before its labels were split."""
    # The last element is for windows without a speaker, whose label is −1.
    labels = range(max(chunk.locals, default=-1) + 1)
    linked = np.array([by_node.get((chunk.index, k), -1) for k in labels] + [-1])
    for k in chunk.locals:
        # A split-off label without a voice takes that of the label it was split from.
        linked[k] = linked[k] if linked[k] >= 0 else linked[whole.labels[chunk.labels == k][0]]
    return linked


def _cluster_with_splits(
    chunks: Sequence[ChunkVoices], nodes: list[Node], whitening: Whitening, options: LinkOptions
) -> tuple[list[ChunkVoices], list[Node], VoiceClusters]:
    """Cluster, splitting labels that hold two voices: first by their variance, then by resemblance to two of the
    voices found, then, while there are fewer than `options.least` voices, the least uniform label each time."""
    before, placed = chunks, [whitening(c.embeddings.astype(np.float64)) for c in chunks]
    model = fit_plda(nodes, whitening, options)
    labels = split_labels(chunks, [p @ model.axes for p in placed], model)
    for _ in range(PARTINGS):
        chunks = [replace(c, labels=p) for c, p in zip(chunks, labels, strict=True)]
        nodes = build_nodes(chunks, before)
        found = cluster(nodes, whitening, options)
        along = [(p - found.total_shift(c.index)) @ found.model.axes for c, p in zip(chunks, placed, strict=True)]
        labels = split_labels(chunks, along, found.model, found.leave_one_out(nodes))
        if all(np.array_equal(c.labels, p) for c, p in zip(chunks, labels, strict=True)):
            break
    while len(found.voices.precision) < (options.least or 1):
        along = [(p - found.total_shift(c.index)) @ found.model.axes for c, p in zip(chunks, placed, strict=True)]
        more = split_one_label(chunks, along, found.model)
        if more is None:
            break
        chunks, nodes = more, build_nodes(more, before)
        found = cluster(nodes, whitening, options)
    return list(chunks), nodes, found


def _join_across_cores(turns: list[Turn]) -> list[Turn]:
    # Turns of one speaker that touch at a core's border are one turn, whoever else speaks there.
    out: list[Turn] = []
    latest: dict[str, int] = {}
    for turn in sorted(turns, key=lambda t: (t.start_s, t.end_s, t.speaker)):
        at = latest.get(turn.speaker)
        if at is not None and turn.start_s - out[at].end_s <= 1e-3:
            out[at] = replace(out[at], end_s=max(out[at].end_s, turn.end_s))
        else:
            latest[turn.speaker] = len(out)
            out.append(turn)
    return out


def _number_by_appearance(chunks: Sequence[ChunkVoices], labels: Sequence[Array]) -> tuple[list[Array], Array]:
    """Renumber labels by first appearance; also returns the voices (K, D): unit-length means weighted by seconds."""
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
        np.add.at(sums, lab[heard], window_seconds(c)[heard, None] * c.embeddings[heard].astype(np.float64))
    return renamed, normalize(sums)


def _compute_margins(chunk: ChunkVoices, labels: Array, voices: Array) -> Array:
    if len(labels) == 0 or len(voices) < 2:
        return np.full(len(labels), np.nan)
    like = chunk.embeddings.astype(np.float64) @ voices.T
    rows = np.arange(len(labels))
    own = like[rows, np.maximum(labels, 0)]
    like[rows, np.maximum(labels, 0)] = -np.inf
    return np.where(labels >= 0, own - like.max(1), np.nan)
