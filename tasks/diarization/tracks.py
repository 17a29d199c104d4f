"""Tracks of a chunk, cut to what embeddings need: windows in which one speaks alone; and back: local turns. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.diarization.stitch import Array, list_spans, select_speakers
from tasks.diarization.windows import cut_windows
from tasks.intervals import Span
from tasks.tiling import tile_speech

LEAST_ALONE_S = 0.4
"""Shorter stretches of one speaker alone have no embedding."""
LEAST_WINDOW_S = 0.9
"""Shorter windows say too little of a voice to part two tracks."""
LEAST_WINDOWS = 2
"""Windows of a track from which it may be parted from others of its label."""
APART_S, NEAR_S = 1.4, 10.0
"""Two windows of one speaker so far apart share no sound; so near, they are of one stretch of a track."""
UNLIKE = 1.5
"""Standard deviations below the mean similarity of one speaker's windows, under which two tracks are two speakers."""
LEAST_PAIRS = 6
"""Pairs of windows that this distribution is estimated from, at least."""


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


def split_by_tracks(labels: Array, embeddings: Array, tracks: Tracks) -> Array:
    """(N,) labels in which a label of several tracks is split where the segmentation separates these and they differ.

    Clustering of few windows often finds one speaker. The segmentation tells speakers of one window apart by itself;
    where their embeddings (N, D), of unit length, agree with it, they are two. How alike the windows of one speaker
    are is measured in the chunk itself, so that it holds for any speaker model.
    """
    seconds = tracks.windows[:, 1] - tracks.windows[:, 0]
    alike = embeddings.astype(np.float64) @ embeddings.astype(np.float64).T
    distance = np.abs(tracks.windows[:, 0][:, None] - tracks.windows[:, 0][None])
    good = seconds >= LEAST_WINDOW_S
    same = (tracks.owners[:, None] == tracks.owners[None]) & (labels[:, None] == labels[None])
    same &= (distance >= APART_S) & (distance < NEAR_S) & good[:, None] & good[None]
    if same.sum() < LEAST_PAIRS:
        return labels
    least = float(alike[same].mean() - UNLIKE * alike[same].std())
    apart = {(a, b) for a, b in tracks.apart.tolist()} | {(b, a) for a, b in tracks.apart.tolist()}
    out, following = labels.copy(), int(labels.max(initial=-1)) + 1
    for label in np.unique(labels).tolist():
        mine = np.flatnonzero(labels == label)
        own = [mine[(tracks.owners[mine] == k) & good[mine]] for k in np.unique(tracks.owners[mine]).tolist()]
        units = _merge_alike([u for u in own if len(u) >= LEAST_WINDOWS], tracks.owners, alike, apart, least)
        if len(units) < 2:
            continue
        centres = np.array([embeddings[u].mean(0) for u in units])
        nearest = (embeddings[mine] @ centres.T).argmax(1)
        owner = {int(tracks.owners[w]): i for i, u in enumerate(units) for w in u}
        chosen = [owner.get(int(tracks.owners[w]), int(n)) for w, n in zip(mine, nearest, strict=True)]
        out[mine] = [label if i == 0 else following + i - 1 for i in chosen]
        following += len(units) - 1
    return _number_by_appearance(out)


def _merge_alike(
    units: list[Array], owners: Array, alike: Array, apart: set[tuple[int, int]], least: float
) -> list[Array]:
    """Average linkage of groups of windows down to a similarity of `least`; separated ones are merged last."""
    tracks = [set(owners[u].tolist()) for u in units]
    for keep_apart in (True, False):
        while len(units) > 1:
            pairs = [
                (float(alike[np.ix_(units[i], units[j])].mean()), j, i)
                for i in range(len(units))
                for j in range(i)
                if not (keep_apart and any((a, b) in apart for a in tracks[i] for b in tracks[j]))
            ]
            value, j, i = max(pairs, default=(-np.inf, 0, 0))
            if value < least:
                break
            units[j] = np.concatenate([units[j], units.pop(i)])
            tracks[j] |= tracks.pop(i)
    return units


def _number_by_appearance(labels: Array) -> Array:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    out: Array = rank[inverse.reshape(-1)]
    return out
