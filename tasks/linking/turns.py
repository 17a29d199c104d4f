"""Turns of a chunk from its windows' speakers: (start_s, end_s, speaker) in recording seconds, −1 for unknown."""

from __future__ import annotations

import numpy as np

from tasks.intervals import Span, clip, merge_spans
from tasks.linking.nodes import Array, ChunkVoices
from tasks.tiling import Piece, tile_speech

JOIN_S = 0.3
"""Silence inside a speaker's turn shorter than this doesn't end it."""
SHORTEST_S = 0.25
"""Shorter turns (less than a word) are merged to the one before them."""


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


def turns_from_local_turns(chunk: ChunkVoices, labels: Array) -> list[Piece]:
    """The diarizer's own turns, which may overlap, clipped to the chunk's core, with the speakers `labels` (N,) of
    the windows of their local speaker. A turn whose windows have several speakers is tiled by them."""
    windows = np.stack([chunk.starts_s, chunk.ends_s], axis=1)
    by_speaker: dict[int, list[Span]] = {}
    for local in np.unique(chunk.turns[:, 2]).tolist():
        spans = clip([Span(a, b) for a, b, k in chunk.turns.tolist() if k == local], chunk.core)
        mine = chunk.labels == local
        found = tile_speech(windows[mine], labels[mine], spans)
        if not mine.any():
            found = [(s.start_s, s.end_s, -1) for s in spans]
        for start, end, speaker in found:
            by_speaker.setdefault(speaker, []).append(Span(start, end))
    return sorted((s.start_s, s.end_s, k) for k, spans in by_speaker.items() for s in merge_spans(spans))
