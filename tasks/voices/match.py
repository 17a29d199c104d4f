"""Open-set identification of a recording's speakers against known voices, by a threshold *and* a margin.

A voice is a set of embeddings. A speaker's score for it is the mean cosine to the nearest of them (at most
`nearest`): the single nearest one would propagate a wrong assignment, and the mean of all would blur the voice. The
threshold is that of open-set identification (as in NIST's speaker recognition evaluations); the margin and the
one-to-one assignment make a wrong name rarer than a missing one.
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
class MatchRule:
    """Cosines. A voice is assigned from `threshold` on if it scores `margin` more than the next; a voice within
    `margin` below the threshold, or without that lead, is offered as a possible match."""

    threshold: float
    margin: float


@dataclass(frozen=True, slots=True)
class VoiceMatch:
    """A speaker's match: `voice`, the index of the assigned voice, or −1; `maybe`, that of an offered one, or −1;
    each with its similarity (cosine). `rival`: where two voices pass the threshold without the margin, the one beside
    `maybe`, else −1; the two may be the same person."""

    voice: int = -1
    similarity: float | None = None
    maybe: int = -1
    maybe_similarity: float | None = None
    rival: int = -1


def score_voices(speakers: Floats, embeddings: Floats, voice_of: Ints, voices: int, nearest: int = NEAREST) -> Floats:
    """Score speakers (K, D) against V voices: the mean cosine to each voice's `nearest` embeddings, shape (K, V).

    `embeddings` (N, D) and `speakers` have unit length; `voice_of` (N,) holds the voice of each embedding, 0 … V−1.
    −1 for voices without an embedding. Exhaustive: every embedding is compared.
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


def match_speakers(
    scores: Floats,
    rule: MatchRule,
    same: Ints | None = None,
    denied: frozenset[tuple[int, int]] = frozenset(),
    named: Flags | None = None,
) -> list[VoiceMatch]:
    """Assign voices to speakers one to one, by `scores` (K, V) of `score_voices`.

    `same` (V,): voices with the same number may be the same person (an open offer), so that no margin is required
    between them, unless both are `named` (V,). `denied`: pairs (speaker, voice) that a person marked as different.
    """
    from scipy.optimize import linear_sum_assignment

    scores = np.array(scores, np.float64)
    for speaker, voice in denied:
        scores[speaker, voice] = -1.0
    speakers, voices = scores.shape
    if not speakers or not voices:
        return [VoiceMatch()] * speakers
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
    return [_match_speaker(scores, k, taken, group, known, rule) for k in range(speakers)]


def _match_speaker(scores: Floats, k: int, taken: Ints, group: Ints, named: Flags, rule: MatchRule) -> VoiceMatch:
    own = scores[k]
    best = int(taken[k]) if taken[k] >= 0 else int(np.argmax(own))
    others = own.copy()
    others[(group == group[best]) & ~(named & named[best])] = -1.0
    others[best] = -1.0
    for other, voice in enumerate(taken):
        if other != k and voice >= 0 and scores[other, voice] > own[voice]:
            others[voice] = -1.0  # it is assigned to another speaker, with a higher score
    next_ = int(np.argmax(others))
    if taken[k] >= 0 and own[best] - others[next_] >= rule.margin:
        return VoiceMatch(best, float(own[best]))
    if own[best] >= rule.threshold - rule.margin:
        rival = next_ if taken[k] >= 0 and others[next_] >= rule.threshold else -1
        return VoiceMatch(maybe=best, maybe_similarity=float(own[best]), rival=rival)
    return VoiceMatch()


def group_voices(voices: int, pairs: Sequence[tuple[int, int]]) -> Ints:
    """Number the connected components of voices under `pairs` that may be the same person; shape (V,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not pairs:
        return np.arange(voices)
    rows, columns = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(voices, voices))
    found: Ints = connected_components(graph, directed=False)[1]
    return found
