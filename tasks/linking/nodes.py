"""Nodes: one for each (chunk, local speaker), with its mean embedding and seconds of speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.intervals import Span

Array = np.ndarray[Any, Any]

LASTING, SELDOM = 4, 0.1
"""Windows in a row of a label that is no transition (nearly 4 s), and the share of windows that may lie in such
runs."""


@dataclass(frozen=True, eq=False)
class ChunkVoices:
    """A chunk's diarization: N windows of speech, in recording seconds.

    `starts_s`, `ends_s`: (N,) seconds. `embeddings`: (N, D), unit length. `labels`: (N,) local speakers from 0,
    −1 for a window without a speaker. `speech`: the spans that turns made of the windows cover. `turns`: (T, 3) of
    start, end and local speaker, from an end-to-end diarizer (they may overlap); else empty.
    """

    index: int
    core: Span
    starts_s: Array
    ends_s: Array
    embeddings: Array
    labels: Array
    speech: tuple[Span, ...] = ()
    turns: Array = field(default_factory=lambda: np.zeros((0, 3)))

    @property
    def locals(self) -> list[int]:
        return [int(k) for k in np.unique(self.labels) if k >= 0]


@dataclass(frozen=True, eq=False)
class Node:
    """One local speaker of one chunk."""

    chunk: int
    local: int
    mean: Array
    """(D,) mean of its windows' embeddings, weighted by seconds; its length falls below 1 with their variance."""
    windows: int
    seconds: float
    spans: tuple[Span, ...]
    """Its speech: sorted, disjoint spans."""
    is_split: bool = False
    """It was split from another label, so the chunk's diarizer gives no evidence about it."""
    is_transition: bool = False
    """Its windows are transitions between other speakers (see `is_transition_label`)."""


def window_seconds(voices: ChunkVoices) -> Array:
    """(N,) seconds of each window up to the start of the next one."""
    order = np.argsort(voices.starts_s, kind="stable")
    starts, ends = voices.starts_s[order], voices.ends_s[order]
    until = np.append(np.minimum(ends[:-1], np.maximum(starts[1:], starts[:-1])), ends[-1:])
    out = np.empty(len(order))
    out[order] = np.maximum(until - starts, 0.0)
    return out


def is_transition_label(voices: ChunkVoices, local: int) -> bool:
    """Whether a label consists of windows at speaker changes, which hold two other speakers.

    Such windows are alike in all chunks of the same two speakers, so diarizers take them for a third one. They are
    recognised by their runs: at most `SELDOM` of them lie in runs of `LASTING` or more, and nearly all runs overlap a
    neighbouring window of another label. A real speaker of few words speaks between silences, or longer at times.
    """
    order = np.lexsort((voices.ends_s, voices.starts_s))
    mine, starts, ends = voices.labels[order] == local, voices.starts_s[order], voices.ends_s[order]
    edges = np.diff(np.concatenate([[0], mine.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    lengths = last - first
    if lengths[lengths >= LASTING].sum() > SELDOM * mine.sum():
        return False
    before = (first > 0) & (ends[np.maximum(first - 1, 0)] > starts[first])
    after = (last < len(mine)) & (starts[np.minimum(last, len(mine) - 1)] < ends[last - 1])
    return float(np.mean(before | after)) > 1 - 2 * SELDOM


def build_nodes(chunks: Sequence[ChunkVoices], before: Sequence[ChunkVoices] | None = None) -> list[Node]:
    """Nodes of all chunks, by chunk and local label. `before`: the same chunks before labels were split."""
    nodes = []
    labels = {c.index: c.locals for c in before or chunks}
    for voices in sorted(chunks, key=lambda c: c.index):
        if len(voices.labels) == 0:
            continue
        seconds = window_seconds(voices)
        for local in voices.locals:
            mine = voices.labels == local
            weight = np.maximum(seconds[mine], 1e-3)
            total = (voices.embeddings[mine].astype(np.float64) * weight[:, None]).sum(0)
            nodes.append(
                Node(
                    voices.index,
                    local,
                    total / weight.sum(),
                    int(mine.sum()),
                    float(seconds[mine].sum()),
                    cover(voices.starts_s[mine], voices.ends_s[mine]),
                    local not in labels[voices.index],
                    is_transition_label(voices, local),
                )
            )
    return nodes


def order_nodes(nodes: Sequence[Node]) -> list[int]:
    """Indices of nodes, sorted by chunk and local label."""
    return sorted(range(len(nodes)), key=lambda i: (nodes[i].chunk, nodes[i].local))


def cover(starts_s: Array, ends_s: Array) -> tuple[Span, ...]:
    """Union of windows as sorted, disjoint spans: `intervals.merge_spans`, vectorised for many windows."""
    some = ends_s > starts_s
    starts_s, ends_s = starts_s[some], ends_s[some]
    order = np.lexsort((ends_s, starts_s))
    starts_s, until = starts_s[order], np.maximum.accumulate(ends_s[order])
    begins = np.flatnonzero(np.append(True, starts_s[1:] > until[:-1])) if len(order) else np.zeros(0, np.intp)
    last = np.append(begins[1:] - 1, len(order) - 1)[: len(begins)]
    return tuple(Span(a, b) for a, b in zip(starts_s[begins].tolist(), until[last].tolist(), strict=True))


def normalize(vectors: Array) -> Array:
    """Scale vectors (…, D) to unit length; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = vectors / np.maximum(length, 1e-12)
    return scaled
