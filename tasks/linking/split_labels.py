"""Split labels that hold two voices, which a chunk's diarizer took for one.

Windows of one voice have covariance W, the identity in whitened space; those of two voices vary more along the line
between the two. Where they do, the windows are split around two means (Lloyd's iteration, smoothed over neighbours in
time). Halves that may be two sessions of one voice by their log odds are not split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tasks.linking.log_odds import VoiceOdds
from tasks.linking.nodes import Array, ChunkVoices
from tasks.linking.plda import Groups, Plda

Key = tuple[int, int]
"""A label: (chunk, local speaker)."""

LEAST = 40
"""Least windows of either part (half a minute): fewer hardly bias a mean, and may be overlapped speech."""
SCATTER = 3.0
"""Least variance of a label's windows along their widest direction, in units of W, for a split to be tried."""
UNLIKE = -4.0
"""Log odds of one voice below which two parts are split; negative, as parts chosen to differ look less alike than
they
are."""
LEAST_KNOWN = 8
"""Least windows of a part that resembles a known voice: 6 s, as for any seed …"""
UNLIKE_KNOWN = -8.0
"""… and log odds of one voice against two of the known ones, at most."""
AS_FAR = 0.5
"""Least distance of two parts, as a share of the median distance of two labels of one chunk: windows at the edges of
turns differ from those within, but by less."""
NEIGHBOURS = 5
"""Windows over which the assignment of the middle one is smoothed."""
ROUNDS = 10
POWERS = 30


def split_labels(
    chunks: Sequence[ChunkVoices], placed: Sequence[Array], model: Plda, known: Mapping[Key, Groups] | None = None
) -> list[Array]:
    """Split labels of two voices; for each chunk the (N,) labels of its windows, split-off ones numbered from the
    chunk's next free number. `placed`: for each chunk its windows (N, Q) along the model's axes.

    `known`: for each (chunk, label), the recording's voices without it. If given, only labels that resemble two of
    these are split.
    """
    nearest = AS_FAR * _median_label_distance(chunks, placed)
    return [_split_chunk(c, p, model, known, nearest) for c, p in zip(chunks, placed, strict=True)]


def _median_label_distance(chunks: Sequence[ChunkVoices], placed: Sequence[Array]) -> float:
    """Median distance between two labels of one chunk, in standard deviations of W; 0 where no chunk has two."""
    apart = []
    for chunk, where in zip(chunks, placed, strict=True):
        means = [where[mine].mean(0) for k in chunk.locals if (mine := chunk.labels == k).sum() >= LEAST]
        apart += [float(np.linalg.norm(a - b)) for i, a in enumerate(means) for b in means[:i]]
    return float(np.median(apart)) if apart else 0.0


def _split_chunk(
    chunk: ChunkVoices, placed: Array, model: Plda, known: Mapping[Key, Groups] | None, nearest: float
) -> Array:
    labels = chunk.labels.astype(np.int64)
    order = np.lexsort((chunk.ends_s, chunk.starts_s))
    left = [k for k in chunk.locals if known is None or (chunk.index, k) in known]
    following = max(chunk.locals, default=-1) + 1
    while left:
        mine = order[labels[order] == left[-1]]
        other = find_second_voice(
            placed[mine], model, known[chunk.index, left[-1]] if known is not None else None, nearest
        )
        if other is None:
            left.pop()
            continue
        labels[mine[other]] = following
        if known is None:
            # Either half may hold a third voice.
            left.append(following)
        else:
            left.pop()
        following += 1
    return labels


def find_second_voice(placed: Array, model: Plda, known: Groups | None = None, nearest: float = 0.0) -> Array | None:
    """Find the windows of a second voice in a label: (N,) bool mask of the smaller part, or None.

    `placed` (N, Q): the label's windows along the model's axes, sorted by time. `nearest`: least distance of the two
    parts' means.
    """
    count = len(placed)
    smallest, least = (LEAST, UNLIKE) if known is None else (LEAST_KNOWN, UNLIKE_KNOWN)
    if count < 2 * smallest:
        return None
    x = placed - placed.mean(0)
    variance, axis = _find_widest_axis(x.T @ x / count)
    if variance < SCATTER:
        return None
    best = None
    for other in _candidate_halves(x, axis, smallest):
        means, sizes = _halve_means(placed, other)
        if np.linalg.norm(means[0] - means[1]) < nearest:
            continue
        odds = _score_halves(model.groups_along(means, sizes), known)
        if odds < least:
            best, least = other if 2 * sizes[0] <= count else ~other, odds
    return best


def list_splits(placed: Array, model: Plda, smallest: int) -> list[tuple[float, Array]]:
    """(log odds of one voice, (N,) bool mask of the smaller part) for each candidate split of a label's windows in
    two
    parts of at least `smallest`, however alike. `placed` (N, Q): along the model's axes, sorted by time."""
    count = len(placed)
    if count < 2 * smallest:
        return []
    x = placed - placed.mean(0)
    out = []
    for other in _candidate_halves(x, _find_widest_axis(x.T @ x / count)[1], smallest):
        means, sizes = _halve_means(placed, other)
        out.append(
            (_score_halves(model.groups_along(means, sizes), None), other if 2 * sizes[0] <= count else ~other)
        )
    return out


def _candidate_halves(x: Array, axis: Array, smallest: int) -> Iterator[Array]:
    """Candidate splits of the centred windows `x` (N, Q) along the `axis` (Q,), as (N,) bool masks of one part."""
    along = x @ axis
    # Oriented so that the longer tail, that of the smaller part, is positive.
    along = along if (along**3).sum() >= 0 else -along
    for share in (0.5, 0.85):
        found = _refine_halves(x, along > np.quantile(along, share))
        size = int(found.sum())
        if min(size, len(x) - size) >= smallest:
            yield found


def _halve_means(placed: Array, other: Array) -> tuple[Array, Array]:
    """Means (2, Q) and numbers of windows (2,) of both parts, the masked one (`other`) first."""
    size = int(other.sum())
    return np.array([placed[other].mean(0), placed[~other].mean(0)]), np.array([size, len(placed) - size])


def _score_halves(both: Groups, known: Groups | None) -> float:
    """Log odds of one voice for two parts; against two of the `known` voices where given, inf where they match
    one."""
    parts = VoiceOdds(both)
    alike = float(parts.score_against(parts.precision[0], parts.information[0])[1])
    if known is None:
        return alike
    first, second = parts.score_all(VoiceOdds(known))
    a, b = int(first.argmax()), int(second.argmax())
    if a == b or min(first[a], second[b]) < 0:
        return np.inf
    one = max(alike, float((first + second).max()))
    return one - float(first[a] + second[b])


def _find_widest_axis(scatter: Array) -> tuple[float, Array]:
    """Largest eigenvalue and its eigenvector (Q,) of `scatter` (Q, Q), approximately, by power iteration."""
    axis = scatter[int(np.diag(scatter).argmax())]
    for _ in range(POWERS):
        axis = scatter @ axis
        axis = axis / max(float(np.linalg.norm(axis)), 1e-12)
    return float(axis @ scatter @ axis), axis


def _refine_halves(x: Array, other: Array) -> Array:
    around = np.ones(NEIGHBOURS)
    heard = np.convolve(np.ones(len(x)), around, "same")
    for _ in range(ROUNDS):
        if not 0 < other.sum() < len(x):
            break
        a, b = x[~other].mean(0), x[other].mean(0)
        nearer = np.convolve((x - (a + b) / 2) @ (b - a), around, "same") / heard > 0
        if np.array_equal(nearer, other):
            break
        other = nearer
    return other
