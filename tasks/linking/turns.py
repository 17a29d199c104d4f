"""Turns of a chunk from its windows' speakers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from tasks.intervals import Span, clip, merge_spans
from tasks.linking.nodes import Array, ChunkVoices

JOIN_S = 0.3
"""Silence inside a speaker's turn shorter than this doesn't end it."""
SHORTEST_S = 0.25
"""Shorter turns (less than a word) are merged to the one before them."""

Piece = tuple[float, float, int]
"""(start_s, end_s, speaker) in recording seconds; −1 for an unknown speaker."""


def turns_from_windows(chunk: ChunkVoices, labels: Array) -> list[Piece]:
    """Turns within the chunk's core from its windows' speakers `labels` (N,): pauses up to JOIN_S are bridged."""
    windows = np.stack([chunk.starts_s, chunk.ends_s], axis=1)
    out: list[Piece] = []
    for start, end, speaker in tile_speech(windows, labels, clip(chunk.speech, chunk.core)):
        near = bool(out) and start - out[-1][1] <= JOIN_S
        if near and (out[-1][2] == speaker or end - start < SHORTEST_S):
            out[-1] = (out[-1][0], end, out[-1][2])
        else:
            out.append((start, end, speaker))
    return out


def turns_from_diarizer(chunk: ChunkVoices, labels: Array) -> list[Piece]:
    """The diarizer's own turns, clipped to the chunk's core, with the voice of their local speaker (−1: unknown)."""
    voice = {int(a): int(b) for a, b in zip(chunk.labels, labels, strict=True) if a >= 0}
    out = []
    for start, end, local in chunk.turns.tolist():
        inside = Span(start, end) & chunk.core
        if inside:
            out.append((inside.start_s, inside.end_s, voice.get(int(local), -1)))
    return out


def tile_speech(windows: Array, labels: Array, speech: Sequence[Span]) -> list[Piece]:
    """Tile `speech` exactly with pieces of one label each, from `windows` (N, 2), in seconds, and their N `labels`.

    The border between neighbouring windows of different labels is the middle of their overlap. A piece never crosses
    silence. Speech without a window takes the label of the nearest one.
    """
    if len(windows) != len(labels):
        raise ValueError(f"{len(windows)} windows, but {len(labels)} labels")
    if not len(windows):
        return []
    order = np.lexsort((windows[:, 1], windows[:, 0]))
    starts, ends, who = windows[order, 0], windows[order, 1], np.asarray(labels)[order].tolist()
    edges = ((starts[1:] + ends[:-1]) / 2).tolist()
    out: list[Piece] = []
    for span in merge_spans(speech):
        # Windows whose share of time, from one edge to the next, intersects this span.
        first = bisect_right(edges, span.start_s)
        last = bisect_left(edges, span.end_s)
        begin = span.start_s
        for i in range(first, last + 1):
            end = span.end_s if i == last else edges[i]
            if i < last and who[i + 1] == who[i]:
                continue
            if end > begin:
                out.append((begin, end, int(who[i])))
            begin = max(begin, end)
    return out
