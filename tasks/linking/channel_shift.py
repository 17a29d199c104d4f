"""Channel shift: a vector added to all voices from some chunk on, as by another microphone or another position of it.

Without a correction, every voice ends at that chunk and a new one begins. For every border between chunks, voices are
cut there, and a vector is sought that matches those before to those after much better than the zero vector. The two
models are compared by their evidence (MacKay, "Bayesian interpolation", 1992): log odds of the matched pairs with the
vector against those without, less the Occam factor of the free vector. Pairs and vector are found by alternation, as
in iterated closest points (Besl and McKay 1992), but one to one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.linking.log_odds import DRIFT, log_likelihood_ratio
from tasks.linking.nodes import Array
from tasks.linking.plda import Groups

SIZE = 1.0
"""Prior variance of a shift in every direction, in units of W."""
EVIDENCE = 20.0
"""Least log odds for a shift against none."""
PAIRS = 3
"""Least voices present before and after it: one or two may match by chance."""
VOICES = 16
"""Voices of most speech on each side that screening compares …"""
MAX_FITTED = 6
"""… and borders of best score that are then fitted."""
MAX_SCREENED = 200
"""Evenly spaced borders screened first; then those between the best of them and its neighbours."""
TURNS = 10


@dataclass(frozen=True, eq=False)
class ChannelShift:
    """A shift by `vector` (Q,), along the model's axes, from the chunk `since` on; `evidence`: its log odds."""

    since: int
    vector: Array
    evidence: float


@dataclass(frozen=True, eq=False)
class _Border:
    """Voices on both sides of a border before the chunk `since`: (precision, mean) of shape (N, Q) `before` and (M,
    Q)
    `after`, and the pairs' other `evidence`, log odds (N, M)."""

    since: int
    before: tuple[Array, Array]
    after: tuple[Array, Array]
    evidence: Array


def find_channel_shift(
    singles: Groups, chunks: Array, members: Sequence[Sequence[int]], evidence: Any, *, pairs: int = PAIRS
) -> ChannelShift | None:
    """Find the shift of most evidence, or None. `chunks` (N,): the chunk of each of the units `singles`; `members`:
    units of each voice; `evidence`: sparse (N, N) log odds of pairs of units."""
    between = singles.model.between
    starts = np.unique(chunks)[1:].tolist()
    step = -(-len(starts) // MAX_SCREENED) or 1
    screened = [
        (*_screen_border(between, s), s)
        for s in _split_at_borders(singles, chunks, members, evidence, pairs, starts[::step])
    ]
    if step > 1 and screened:
        best = starts.index(max(screened, key=lambda found: (found[0], -found[2].since))[2].since)
        near = [s for i, s in enumerate(starts) if i % step and abs(i - best) < step]
        screened += [
            (*_screen_border(between, s), s)
            for s in _split_at_borders(singles, chunks, members, evidence, pairs, near)
        ]
    likeliest = sorted(screened, key=lambda found: (-found[0], found[2].since))
    found = [
        f for score, vector, s in likeliest[:MAX_FITTED] if score > 0 and (f := _fit_shift(between, s, vector, pairs))
    ]
    return max(found, key=lambda f: (f.evidence, -f.since), default=None)


def _split_at_borders(
    singles: Groups,
    chunks: Array,
    members: Sequence[Sequence[int]],
    evidence: Any,
    pairs: int,
    starts: Sequence[int],
) -> Iterator[_Border]:
    from scipy.sparse import csr_array

    voice = np.full(len(chunks), -1)
    for k, units in enumerate(members):
        voice[list(units)] = k
    known = evidence.tocoo()
    for since in starts:
        sides, kept = [], []
        for side in (chunks < since, chunks >= since):
            mine = np.flatnonzero(side & (voice >= 0))
            belongs = csr_array((np.ones(len(mine)), (voice[mine], mine)), shape=(len(members), len(chunks)))
            precision, information = belongs @ singles.precision, belongs @ singles.information
            there = np.flatnonzero(precision[:, 0] > 0)
            sides.append((precision[there], information[there] / precision[there]))
            kept.append(there)
        if min(map(len, kept)) < pairs:
            continue
        across = (chunks[known.row] < since) & (chunks[known.col] >= since)
        across &= (voice[known.row] >= 0) & (voice[known.col] >= 0)
        extra = np.zeros((len(members), len(members)))
        np.add.at(extra, (voice[known.row[across]], voice[known.col[across]]), known.data[across])
        drift = DRIFT * singles.model.session
        before, after = ((p / (1.0 + p * drift), place) for p, place in sides)
        yield _Border(since, before, after, extra[np.ix_(*kept)])


def _screen_border(between: Array, sides: _Border) -> tuple[float, Array]:
    """Approximate log odds of the best shift against none, and that shift (Q,): tries every difference of a voice
    after and one before the border."""
    (p, x), (q, y) = (
        (a[order], b[order])
        for a, b in (sides.before, sides.after)
        for order in [np.argsort(-a.sum(1), kind="stable")[:VOICES]]
    )
    apart = (y[None] - x[:, None]).reshape(-1, x.shape[1])
    weight = (p[:, None] * q[None] / (p[:, None] + q[None])).reshape(apart.shape)
    both = np.log1p(between * p).sum(1)[:, None] + np.log1p(between * q).sum(1)[None]
    alike = 0.5 * (both - np.log1p(between * (p[:, None] + q[None])).sum(2))
    shifts = np.concatenate([np.zeros((1, x.shape[1])), apart])
    squares = (weight * apart**2).sum(1) - 2 * shifts @ (weight * apart).T + shifts**2 @ weight.T
    odds = np.maximum(alike.ravel() - 0.5 * squares, 0.0).reshape(-1, len(x), len(y))
    score = np.minimum(odds.max(2).sum(1), odds.max(1).sum(1)) - 0.5 * (shifts**2).sum(1) / SIZE
    best = int(score.argmax())
    return float(score[best] - score[0]), shifts[best]


def _fit_shift(between: Array, sides: _Border, vector: Array, pairs: int) -> ChannelShift | None:
    none, _ = _match_voices(between, sides, np.zeros_like(vector))
    (p, x), (q, y) = sides.before, sides.after
    matched: list[tuple[int, int]] = []
    for _ in range(TURNS):
        explained, now = _match_voices(between, sides, vector)
        if now == matched:
            break
        matched = now
        i, j = (np.array([m[side] for m in matched], int) for side in (0, 1))
        weight = p[i] * q[j] / (p[i] + q[j])
        vector = (weight * (y[j] - x[i])).sum(0) / (1.0 / SIZE + weight.sum(0))
    if len(matched) < pairs:
        return None
    by_chance = 0.5 * float((vector**2 / SIZE + np.log1p(SIZE * weight.sum(0))).sum())
    evidence = explained - none - by_chance
    return ChannelShift(sides.since, vector, evidence) if evidence > EVIDENCE else None


def _match_voices(between: Array, sides: _Border, vector: Array) -> tuple[float, list[tuple[int, int]]]:
    """Log likelihood of both sides at the shift `vector`, up to a constant, with the best one-to-one pairs, and
    these."""
    from scipy.optimize import linear_sum_assignment

    (p, x), (q, y) = sides.before, sides.after
    y = y - vector
    alone = log_likelihood_ratio(between, q, q * y)
    joint = log_likelihood_ratio(between, p[:, None] + q[None], (p * x)[:, None] + (q * y)[None])
    odds = joint - log_likelihood_ratio(between, p, p * x)[:, None] - alone + sides.evidence
    rows, columns = linear_sum_assignment(-np.maximum(odds, 0.0))
    matched = [(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if odds[i, j] > 0]
    # `log_likelihood_ratio` is relative to a voice at the centre, which the shift moves, too.
    centre = -0.5 * (q * y**2).sum()
    return float(centre + alone.sum() + sum(odds[m] for m in matched)), matched
