"""Labels that hold two voices, parted: a diarizer took two people of a chunk for one.

Windows of one voice scatter by W, which is the identity in the space of `spread`; those of two scatter more along the
line between these. Where they do, the windows are parted in two around two means (Lloyd's iteration), each with its
neighbours in time, as nobody speaks for one window. What may then be two sessions of one voice stays together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tasks.linking.log_odds import VoiceOdds
from tasks.linking.nodes import Array, ChunkVoices
from tasks.linking.plda import Groups, Plda

Key = tuple[int, int]
"""Of a label: (chunk, local speaker)."""

LEAST = 40
"""Windows of a part, at least, half a minute: fewer spoil no mean, and may be where two talked at once."""
SCATTER = 3.0
"""Variance of a label's windows along some direction below which nobody looks for two voices in it, in a window's."""
UNLIKE = -4.0
"""Log odds of one voice for two parts that are two, at most: parted where they differ most, they look less alike than
they are."""
LEAST_KNOWN = 8
"""As many for a part that sounds like a voice that is known: 6 s, as of any node that founds one …"""
UNLIKE_KNOWN = -8.0
"""… and log odds of one voice against two of the known ones, at most."""
AS_FAR = 0.5
"""Of the distance at which this recording's diarizers mostly tell people apart: parts must differ by so much. What is
nearer are the windows at the edges of turns and those within them, which may differ alike in every chunk."""
NEIGHBOURS = 5
"""Windows, this one in the middle, that say together whose it is."""
ROUNDS = 10
POWERS = 30


def split_labels(
    chunks: Sequence[ChunkVoices], placed: Sequence[Array], model: Plda, known: Mapping[Key, Groups] | None = None
) -> list[Array]:
    """For each chunk the (N,) labels of its windows, with new ones, from the chunk's next number on, for voices that
    were another's label. `placed`: (N, Q) windows along the model's axes, a chunk each.

    `known`: for (chunk, label), the recording's voices as they are without it. Then only what sounds like two of
    these is parted, and needs to be less unlike.
    """
    nearest = AS_FAR * _median_label_distance(chunks, placed)
    return [_split_chunk(c, p, model, known, nearest) for c, p in zip(chunks, placed, strict=True)]


def _median_label_distance(chunks: Sequence[ChunkVoices], placed: Sequence[Array]) -> float:
    """The median distance between two labels of one chunk; 0 where none has two."""
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
            # Either may hold a third.
            left.append(following)
        else:
            left.pop()
        following += 1
    return labels


def find_second_voice(placed: Array, model: Plda, known: Groups | None = None, nearest: float = 0.0) -> Array | None:
    """(N,) bool: which of a label's windows, by time, are another voice's, the smaller part; None if there is none.

    `placed` (N, Q): along the model's axes. `nearest`: how far their means must be from each other.
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
    """(log odds of one voice, (N,) bool the smaller part) for each way to part a label's windows, by time, in two of
    at least `smallest`, however alike. `placed` (N, Q): along the model's axes."""
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
    """(N,) bool: one part of the windows `x` (N, Q), centred, for each way to part them along the `axis`."""
    along = x @ axis
    # The few first: the longer tail is theirs.
    along = along if (along**3).sum() >= 0 else -along
    for share in (0.5, 0.85):
        found = _refine_halves(x, along > np.quantile(along, share))
        size = int(found.sum())
        if min(size, len(x) - size) >= smallest:
            yield found


def _halve_means(placed: Array, other: Array) -> tuple[Array, Array]:
    """(2, Q) means and (2,) windows of both parts, the `other` first."""
    size = int(other.sum())
    return np.array([placed[other].mean(0), placed[~other].mean(0)]), np.array([size, len(placed) - size])


def _score_halves(both: Groups, known: Groups | None) -> float:
    """Log odds of one voice for two parts."""
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
    """The greatest variance and its direction, by power iteration: nearly is enough, and ten times as fast."""
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
