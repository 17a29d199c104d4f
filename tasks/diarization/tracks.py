"""Tracks of a chunk, cut to what embeddings need: windows in which one speaks alone; and back: local turns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tasks.diarization.stitch import Array, list_spans, select_speakers
from tasks.diarization.windows import cut_windows
from tasks.intervals import Span, subtract
from tasks.tiling import Piece, tile_speech

LEAST_ALONE_S = 0.4
"""Shorter stretches of one speaker alone have no embedding."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """K tracks of a chunk, in seconds from its start.

    `spans` (M, 3): start, end and track, sorted; they overlap where two speak. `windows` (N, 2): where one track
    speaks alone, `owners` (N,) which. `apart` (P, 2): pairs of tracks that the segmentation tells apart within one
    window.
    """

    spans: Array
    windows: Array
    owners: Array
    apart: Array

    @classmethod
    def find(cls, weights: Array, speakers: Array, apart: Array, speech: list[Span], duration_s: float) -> Tracks:
        """From what `stitch` found. A track that never speaks alone is left out: nothing tells whose it is. Where no
        track is left, all `speech` is one."""
        active = select_speakers(weights, speakers, speech)
        where, owners = _find_windows(active, duration_s)
        if not len(where):
            whole = cut_windows(speech)
            rows = [(s.start_s, s.end_s, 0.0) for s in speech]
            return cls(
                np.array(rows).reshape(-1, 3), whole, np.zeros(len(whole), np.int64), np.zeros((0, 2), np.int64)
            )
        known = np.unique(owners)
        active = np.zeros_like(active)
        active[known] = select_speakers(weights[known], speakers, speech)
        spans = [
            (s.start_s, min(s.end_s, duration_s), float(k))
            for k in known.tolist()
            for s in list_spans(active[k])
            if s.start_s < duration_s
        ]
        pairs = np.argwhere(np.triu(apart) > 0)
        return cls(np.array(sorted(spans), float).reshape(-1, 3), where, owners, pairs.reshape(-1, 2))

    @classmethod
    def of_turns(cls, turns: Sequence[Piece], speech: Sequence[Span]) -> Tracks:
        """From the `turns` of a diarizer that knows its speakers over the whole chunk: a track each, all apart.

        Where nobody speaks alone, the windows are those of all `speech`, and nobody's: −1.
        """
        spans: dict[int, list[Span]] = {}
        for start, end, speaker in turns:
            spans.setdefault(speaker, []).append(Span(start, end))
        rows = sorted(
            (start, end, speaker)
            for speaker, own in spans.items()
            for start, end in cut_windows(_list_alone(own, [s for k in spans if k != speaker for s in spans[k]]))
        )
        if not rows:
            rows = [(start, end, -1) for start, end in cut_windows(speech).tolist()]
        windows, owners = np.array([r[:2] for r in rows], float), np.array([r[2] for r in rows], np.int64)
        apart = np.array(list(combinations(sorted(spans), 2)), np.int64).reshape(-1, 2)
        return cls(np.array(sorted(turns), float).reshape(-1, 3), windows.reshape(-1, 2), owners, apart)


def _list_alone(own: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    return [span for span in subtract(own, others) if span.duration_s >= LEAST_ALONE_S]


def _find_windows(active: Array, duration_s: float) -> tuple[Array, Array]:
    rows: list[tuple[float, float, int]] = []
    alone = active & (active.sum(0) == 1)
    for k in range(len(active)):
        for start, end in cut_windows(list_spans(alone[k], bridged_s=0.0, shortest_s=LEAST_ALONE_S)).tolist():
            if start < duration_s:
                rows.append((start, min(end, duration_s), k))
    rows.sort()
    return np.array([r[:2] for r in rows], float).reshape(-1, 2), np.array([r[2] for r in rows], np.int64)


def tile_tracks(tracks: Tracks, labels: Array) -> Array:
    """(T, 3) of start, end and local speaker, sorted, from the windows' `labels` (N,): each track's spans are tiled
    by the labels of its own windows."""
    rows: list[tuple[float, float, int]] = []
    for track in np.unique(tracks.owners).tolist():
        mine = tracks.owners == track
        spans = [Span(a, b) for a, b, k in tracks.spans.tolist() if k == track]
        rows += tile_speech(tracks.windows[mine], labels[mine], spans)
    return np.array(sorted(rows), float).reshape(-1, 3)
