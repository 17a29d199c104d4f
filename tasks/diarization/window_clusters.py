"""Windows of tracks -> local speakers: agglomerative clustering by average linkage, then split by tracks.

Spectral clustering (NME-SC) counts the speakers of a chunk by its spectrum, in which somebody of ten seconds beside
others of minutes does not show; a threshold of similarity finds them (pyannote.audio 3 does the same: Bredin 2023,
"pyannote.audio 2.1 speaker diarization pipeline"). Of few windows, any clustering often finds one speaker: there the
segmentation, which tells speakers of one window apart by itself, adds what it knows. Pure.
"""

from __future__ import annotations

import numpy as np

from tasks.diarization.stitch import Array
from tasks.diarization.tracks import Tracks

ALIKE = 0.6
"""Mean similarity of two clusters or tracks, as a share of that of one speaker's windows, from which they are one
speaker …"""
LEAST_ALIKE = 0.3
"""… and at least this: of windows of different readers, 1 % are more alike by CAM++ (of one reader's, 98 %)."""
LEAST_CLUSTER = 4
"""Windows (some 4 s) below which a cluster is a noise, a laugh or a word, and goes to the cluster most like it."""
MOST_WINDOWS = 6_000
"""Of more windows (over an hour), every n-th is clustered, and the others go to the clusters most like them: memory
grows with the square."""
LEAST_WINDOW_S = 0.9
"""Shorter windows say too little of a voice to part two tracks."""
LEAST_WINDOWS = 2
"""Windows of a track from which it may be parted from others of its label."""
APART_S, NEAR_S = 1.4, 10.0
"""Two windows of one speaker so far apart share no sound; so near, they are of one stretch of a track."""
LEAST_PAIRS = 3
"""Pairs of windows that this distribution is estimated from, at least."""


def cluster_windows(embeddings: Array, tracks: Tracks, most: int) -> Array:
    """(N,) local speakers of the windows of `tracks`, numbered from 0 by first appearance; at most `most` before the
    segmentation splits them.

    `embeddings` (N, D), of unit length.
    """
    if not len(embeddings):
        return np.zeros(0, np.int64)
    voices = embeddings.astype(np.float64)
    known = np.flatnonzero(_is_long(tracks))
    known = known[:: max(1, -(-len(known) // MOST_WINDOWS))]
    labels = np.zeros(len(voices), np.int64)
    if len(known) >= 2 * LEAST_CLUSTER:
        alike = measure_alike(voices, tracks, labels)
        found = _link_averages(voices[known], _find_bound(alike), most)
        sizes = np.bincount(found)
        large = np.flatnonzero(sizes >= min(LEAST_CLUSTER, sizes.max()))
        centres = np.array([voices[known][found == k].mean(0) for k in large])
        labels = (voices @ (centres / np.linalg.norm(centres, axis=1, keepdims=True)).T).argmax(1)
        place = np.full(len(sizes), -1)
        place[large] = np.arange(len(large))
        kept = place[found] >= 0
        labels[known[kept]] = place[found][kept]
    return split_by_tracks(_number_by_appearance(labels), voices, tracks)


def _find_bound(alike: Array) -> float:
    """The mean similarity from which two groups of windows are one speaker's; `alike`: see `measure_alike`.

    A share of the mean: windows of one speaker differ more between sentences than within one. Of readers and
    meetings, no two parts of one speaker were below 0.65 of it, and no two speakers above 0.4.
    """
    return max(LEAST_ALIKE, ALIKE * float(alike.mean())) if len(alike) >= LEAST_PAIRS else LEAST_ALIKE


def _link_averages(voices: Array, least: float, most: int) -> Array:
    """Clusters (N,) from 0 of at least `least` mean cosine similarity, at most `most`."""
    from scipy.cluster.hierarchy import fcluster, linkage

    tree = linkage(voices, "average", metric="cosine")
    found: Array = fcluster(tree, 1.0 - least, "distance") - 1
    if found.max() + 1 > most:
        found = fcluster(tree, most, "maxclust") - 1
    return found


def _is_long(tracks: Tracks) -> Array:
    """(N,) bool: the windows that are long enough to tell voices apart."""
    long: Array = tracks.windows[:, 1] - tracks.windows[:, 0] >= LEAST_WINDOW_S
    return long


def measure_alike(voices: Array, tracks: Tracks, labels: Array) -> Array:
    """Similarities of the windows of one speaker: of a track and a label, near each other and without common sound.

    How alike they are is measured in the chunk itself, so that it holds for any speaker model and room.
    """
    good = np.flatnonzero(_is_long(tracks))
    starts = tracks.windows[good, 0]
    order = np.argsort(starts, kind="stable")
    good, starts = good[order], starts[order]
    out = []
    for i, (one, start) in enumerate(zip(good.tolist(), starts.tolist(), strict=True)):
        first, last = np.searchsorted(starts, [start + APART_S, start + NEAR_S])
        near = good[max(first, i + 1) : last]
        near = near[(tracks.owners[near] == tracks.owners[one]) & (labels[near] == labels[one])]
        out.append(voices[near] @ voices[one])
    return np.concatenate(out) if out else np.zeros(0)


def split_by_tracks(labels: Array, embeddings: Array, tracks: Tracks) -> Array:
    """(N,) labels in which a label of several tracks is split where these differ.

    Clustering of few windows often finds one speaker, and gives a cluster of few windows to another. Tracks of a
    label are merged as far as their embeddings (N, D), of unit length, are alike; those that the segmentation
    separates, last.
    """
    voices = embeddings.astype(np.float64)
    alike, good = voices @ voices.T, _is_long(tracks)
    same = measure_alike(voices, tracks, labels)
    if len(same) < LEAST_PAIRS:
        return labels
    least = _find_bound(same)
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
