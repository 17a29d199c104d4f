"""Whose voices are these: speakers of a recording against known voices, by a threshold *and* a margin.

A voice is a set of embeddings. A speaker is as similar to it as to the nearest of them in the mean (`nearest` at
most): by the nearest alone a mistake once made would go on, by the mean of all a voice would blur. The threshold is
that of open-set identification (as in NIST's evaluations of speaker recognition); margin and one voice to one speaker
make a wrong name rarer than a missing one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Ints = np.ndarray[Any, np.dtype[np.integer[Any]]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

NEAREST = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """Cosines. A voice is taken from `threshold` on where it is `margin` more similar than the next; one within
    `margin` below the threshold, or without that lead, is offered."""

    threshold: float
    margin: float


@dataclass(frozen=True, slots=True)
class Answer:
    """`voice`: row of the voice that the speaker is, −1 where it is none; `maybe`: one that it may be, or −1. Each
    with its similarity. `rival`: where the speaker is like enough to two voices, the one that `maybe` has no lead
    over, else −1: these two may be one person."""

    voice: int = -1
    similarity: float | None = None
    maybe: int = -1
    maybe_similarity: float | None = None
    rival: int = -1


def similarities(speakers: Floats, embeddings: Floats, voice_of: Ints, voices: int, nearest: int = NEAREST) -> Floats:
    """(K, V): how similar each speaker (K, D) is to each voice, the mean cosine to its `nearest` embeddings.

    `embeddings` (N, D) and `speakers` have unit length; `voice_of` (N,) says whose they are, 0 … V−1. −1 for voices
    without an embedding. Exact: every embedding is looked at.
    """
    out = np.full((len(speakers), voices), -1.0)
    if not len(embeddings) or not len(speakers):
        return out
    order = np.argsort(voice_of, kind="stable")
    owner = np.asarray(voice_of)[order]
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    lengths = np.diff(np.r_[first, len(owner)])
    place = np.arange(len(owner)) - np.repeat(first, lengths)
    # Sorting numbers is ten times as fast as sorting their places: a voice's lie 4 apart from the next one's.
    apart = 4.0 * np.cumsum(place == 0)
    for k, cosines in enumerate(np.asarray(speakers) @ np.asarray(embeddings).T):
        ranked = apart - np.sort(apart - cosines[order])
        counted = np.where(place < nearest, ranked, 0.0)
        out[k, owner[first]] = np.add.reduceat(counted, first) / np.minimum(lengths, nearest)
    return out


def answers(
    scores: Floats,
    rule: Rule,
    same: Ints | None = None,
    denied: frozenset[tuple[int, int]] = frozenset(),
    named: Flags | None = None,
) -> list[Answer]:
    """Who each speaker is, by `similarities` (K, V): a voice is taken by one speaker at most.

    `same` (V,): voices with the same number may be one person (an offer is open): neither takes the lead from the
    other, but of two that are `named` (V,) the lead is asked for always. `denied`: pairs of (speaker, voice) that
    people said are not the same.
    """
    from scipy.optimize import linear_sum_assignment

    scores = np.array(scores, np.float64)
    for speaker, voice in denied:
        scores[speaker, voice] = -1.0
    speakers, voices = scores.shape
    if not speakers or not voices:
        return [Answer()] * speakers
    group = np.arange(voices) if same is None else np.asarray(same)
    known = np.zeros(voices, bool) if named is None else np.asarray(named)
    likely = np.flatnonzero((scores >= rule.threshold).any(axis=0))
    taken = np.full(speakers, -1)
    if len(likely):
        worth = np.where(scores[:, likely] >= rule.threshold, scores[:, likely] + 1.0, 0.0)
        rows, columns = linear_sum_assignment(worth, maximize=True)
        for row, column in zip(rows, columns, strict=True):
            if worth[row, column] > 0:
                taken[row] = likely[column]
    return [_answer(scores, k, taken, group, known, rule) for k in range(speakers)]


def _answer(scores: Floats, k: int, taken: Ints, group: Ints, named: Flags, rule: Rule) -> Answer:
    own = scores[k]
    best = int(taken[k]) if taken[k] >= 0 else int(np.argmax(own))
    others = own.copy()
    others[(group == group[best]) & ~(named & named[best])] = -1.0
    others[best] = -1.0
    for other, voice in enumerate(taken):
        if other != k and voice >= 0 and scores[other, voice] > own[voice]:
            others[voice] = -1.0  # whose it is is known better
    next_ = int(np.argmax(others))
    if taken[k] >= 0 and own[best] - others[next_] >= rule.margin:
        return Answer(best, float(own[best]))
    if own[best] >= rule.threshold - rule.margin:
        rival = next_ if taken[k] >= 0 and others[next_] >= rule.threshold else -1
        return Answer(maybe=best, maybe_similarity=float(own[best]), rival=rival)
    return Answer()


def grouped(voices: int, pairs: Sequence[tuple[int, int]]) -> Ints:
    """(V,): the number of each voice's group, where `pairs` may be the same person."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not pairs:
        return np.arange(voices)
    rows, columns = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(voices, voices))
    found: Ints = connected_components(graph, directed=False)[1]
    return found
