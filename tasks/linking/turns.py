"""Turns rebuilt from the windows of a chunk and the speakers they were given."""

from __future__ import annotations

import numpy as np

from tasks.linking.nodes import Array, ChunkVoices

JOIN_S = 0.3
"""Silence inside a speaker's turn shorter than this doesn't end it."""
SHORTEST_S = 0.25
"""A turn shorter than a word is given to its neighbour."""


def chunk_turns(chunk: ChunkVoices, labels: Array) -> list[tuple[float, float, int]]:
    """(start_s, end_s, speaker) within the chunk's core; between overlapping windows the middle is the border."""
    order = np.lexsort((chunk.ends_s, chunk.starts_s))
    starts, ends = chunk.starts_s[order].tolist(), chunk.ends_s[order].tolist()
    speakers = _smoothed(starts, ends, labels[order].tolist())
    pieces: list[tuple[float, float, int]] = []
    for i, speaker in enumerate(speakers):
        start, end = starts[i], ends[i]
        if i and ends[i - 1] > start:
            start = (start + ends[i - 1]) / 2
        if i + 1 < len(speakers) and starts[i + 1] < end:
            end = (starts[i + 1] + end) / 2
        start, end = max(start, chunk.core.start_s), min(end, chunk.core.end_s)
        if end <= start:
            continue
        if pieces and pieces[-1][2] == speaker and start - pieces[-1][1] <= JOIN_S:
            pieces[-1] = (pieces[-1][0], max(end, pieces[-1][1]), speaker)
        else:
            pieces.append((start, end, speaker))
    return _absorbed(pieces)


def own_turns(chunk: ChunkVoices, labels: Array) -> list[tuple[float, float, int]]:
    """The diarizer's own turns within the chunk's core, each with its local speaker's voice (−1: not known)."""
    voice = {int(a): int(b) for a, b in zip(chunk.labels, labels, strict=True) if a >= 0}
    out = []
    for start, end, local in chunk.turns.tolist():
        start, end = max(start, chunk.core.start_s), min(end, chunk.core.end_s)
        if end > start:
            out.append((start, end, voice.get(int(local), -1)))
    return out


def _smoothed(starts: list[float], ends: list[float], speakers: list[int]) -> list[int]:
    # A single window between two of another voice, all overlapping: nobody speaks for half a window.
    out = list(speakers)
    for i in range(1, len(out) - 1):
        joined = ends[i - 1] > starts[i] and starts[i + 1] < ends[i]
        if joined and speakers[i - 1] == speakers[i + 1] != speakers[i]:
            out[i] = speakers[i - 1]
    return out


def _absorbed(pieces: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    out: list[tuple[float, float, int]] = []
    for start, end, speaker in pieces:
        if out and end - start < SHORTEST_S and start - out[-1][1] <= JOIN_S:
            out[-1] = (out[-1][0], end, out[-1][2])
        elif out and out[-1][2] == speaker and start - out[-1][1] <= JOIN_S:
            out[-1] = (out[-1][0], end, speaker)
        else:
            out.append((start, end, speaker))
    return out
