"""Linking as a whole: nodes, clustering, windows given anew, turns and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.linking.cluster import LinkOptions, cluster, voices_of
from tasks.linking.nodes import Array, ChunkVoices, nodes_of, seconds_of, unit
from tasks.linking.turns import chunk_turns, own_turns
from tasks.records import UNKNOWN, Turn

ROUNDS = 3


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

    `reassign` gives every window to the nearest voice afterwards, which mends chunks whose own diarizer merged or
    split people; off, windows keep their local speaker's voice (for diarizers that see overlapping speech).
    """
    options = options or LinkOptions()
    nodes = nodes_of(chunks)
    voice = cluster(nodes, options)
    voices = voices_of(nodes, voice) if nodes and max(voice) >= 0 else np.zeros((0, 0))
    by_node = {(n.chunk, n.local): v for n, v in zip(nodes, voice, strict=True)}
    labels = [
        np.array([by_node.get((c.index, int(k)), -1) for k in c.labels], dtype=np.int64).reshape(-1) for c in chunks
    ]
    if len(voices) > 1:
        for _ in range(ROUNDS):
            nearest = [np.argmax(c.embeddings.astype(np.float64) @ voices.T, axis=1) for c in chunks if len(c.labels)]
            voices = _recomputed(chunks, nearest, voices)
        if reassign:
            full = iter(nearest)
            labels = [np.where(old < 0, -1, next(full)) if len(old) else old for old in labels]
    labels, voices = _by_appearance(chunks, labels, voices)
    margins = [_margins(c, lab, voices) for c, lab in zip(chunks, labels, strict=True)]
    turns = []
    for c, lab in zip(chunks, labels, strict=True):
        rows = chunk_turns(c, lab) if reassign or not len(c.turns) else own_turns(c, lab)
        turns += [Turn(a, b, f"SPEAKER_{k:02d}" if k >= 0 else UNKNOWN) for a, b, k in rows]
    return Linked(tuple(labels), tuple(margins), voices, tuple(_across_cores(turns)))


def _across_cores(turns: list[Turn]) -> list[Turn]:
    # A turn that was cut at a core's border is one turn again.
    out: list[Turn] = []
    for turn in sorted(turns, key=lambda t: (t.start_s, t.end_s, t.speaker)):
        if out and out[-1].speaker == turn.speaker and turn.start_s - out[-1].end_s <= 1e-3:
            out[-1] = replace(out[-1], end_s=max(out[-1].end_s, turn.end_s))
        else:
            out.append(turn)
    return out


def _recomputed(chunks: Sequence[ChunkVoices], nearest: Sequence[Array], voices: Array) -> Array:
    sums = np.zeros_like(voices)
    for c, near in zip((c for c in chunks if len(c.labels)), nearest, strict=True):
        weight = seconds_of(c)[:, None] * c.embeddings.astype(np.float64)
        np.add.at(sums, near, weight)
    heard = np.linalg.norm(sums, axis=1) > 0
    return np.where(heard[:, None], unit(sums), voices)


def _by_appearance(
    chunks: Sequence[ChunkVoices], labels: Sequence[Array], voices: Array
) -> tuple[list[Array], Array]:
    first: dict[int, float] = {}
    for c, lab in zip(chunks, labels, strict=True):
        inside = (c.ends_s > c.core.start_s) & (c.starts_s < c.core.end_s)
        for start, k in zip(c.starts_s[inside].tolist(), lab[inside].tolist(), strict=True):
            if k >= 0:
                first[k] = min(start, first.get(k, start))
    order = sorted(first, key=lambda k: (first[k], k))
    new = {old: i for i, old in enumerate(order)}
    renamed = [np.array([new.get(int(k), -1) for k in lab], dtype=np.int64) for lab in labels]
    return renamed, voices[order] if len(order) else voices[:0]


def _margins(chunk: ChunkVoices, labels: Array, voices: Array) -> Array:
    if len(labels) == 0 or len(voices) < 2:
        return np.full(len(labels), np.nan)
    like = chunk.embeddings.astype(np.float64) @ voices.T
    rows = np.arange(len(labels))
    own = like[rows, np.maximum(labels, 0)]
    like[rows, np.maximum(labels, 0)] = -np.inf
    return np.where(labels >= 0, own - like.max(1), np.nan)
