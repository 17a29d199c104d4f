"""Windows given anew to the recording's voices, chunk by chunk, so that the rest of the day mends a chunk's diarizer.

A hidden Markov model over a chunk's windows. Its states are the recording's voices, each where the recording puts it,
drawn towards what it sounds like in this chunk (as in VBx, Landini et al. 2022). The chunk's diarizer is a witness
whose trustworthiness is learnt label by label: one that holds two people soon says little. So a weak speaker model
can't spoil what a chunk's diarizer knew, and a bad diarizer can't spoil what the day knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.linking.model import Groups
from tasks.linking.nodes import Array
from tasks.linking.spread import REPEATED

ROUNDS = 4
TRUST = 0.4
"""Share of a label's windows supposed to be of the voice it was linked to, before more is known: low enough for a
voice that the diarizer missed to come in …"""
TRUST_WINDOWS = 20.0
"""… and how many windows' evidence that is worth."""
SUREST = 3.0
"""Log odds: no window alone says more, as it may hold two people, a door, a laugh."""
NEVER = 1e-9
CHANGE = 0.1
"""Share of windows after which somebody else speaks: windows of 0.75 s, turns of 3 to 15 s."""


def given_anew(placed: Array, labels: Array, linked: Array, voices: Groups, passing: Sequence[int] = ()) -> Array:
    """(N,) voices of a chunk's windows, which come in order of time.

    `placed` (N, Q): the windows along the axes of `voices`' model. `labels` (N,): the diarizer's, from 0. `linked`:
    the voice of each label, −1 where it is nobody we can name; windows of such a label stay −1. `passing`: labels of
    no voice of their own (see `nodes.is_passing`), whose windows are the chunk's other voices' alone.
    """
    known = linked[labels] >= 0
    found = np.full(len(labels), -1)
    if not known.any():
        return found
    placed, labels = placed[known], labels[known]
    witness = np.full((len(linked), len(voices.precision)), (1 - TRUST) / len(voices.precision))
    named = np.flatnonzero(linked >= 0)
    witness[named, linked[named]] += TRUST
    others = np.setdiff1d(linked[np.setdiff1d(named, passing)], [-1])
    if len(others):
        theirs = np.array(passing, dtype=np.intp)
        witness[theirs] = NEVER
        witness[np.ix_(theirs, others)] = 1.0 / len(others)
    trusted, way = witness, linked[labels]
    for _ in range(ROUNDS):
        before, way = way, _best_way(_likely(placed, way, voices) + np.log(trusted)[labels], labels)
        if np.array_equal(before, way):
            break
        counts = np.zeros_like(witness)
        np.add.at(counts, (labels, way), 1.0)
        trusted = (counts + TRUST_WINDOWS * witness) / (counts.sum(1, keepdims=True) + TRUST_WINDOWS)
    found[known] = way
    return found


def _likely(placed: Array, way: Array, voices: Groups) -> Array:
    """(N, K) log likelihoods of windows, each voice's place in this chunk taken from the windows it has now."""
    session = voices.model.session
    place = voices.centres()
    variance = np.tile(1.0 + session, (len(place), 1))
    for k in np.unique(way):
        mine = placed[way == k]
        # How far these windows, of which neighbours say the same, move it from where the recording puts it.
        weight = session / (session + REPEATED / len(mine))
        place[k] += weight * (mine.mean(0) - place[k])
        variance[k] = 1.0 + session * (1 - weight)
    squares = np.square(placed) @ (1 / variance).T - 2 * placed @ (place / variance).T
    squares += (np.square(place) / variance + np.log(variance)).sum(1)
    likely = -0.5 * squares / REPEATED
    out: Array = np.maximum(likely, likely.max(1, keepdims=True) - SUREST)
    return out


def _best_way(likely: Array, labels: Array) -> Array:
    """(N,) states of the likeliest way through (N, K) log likelihoods (Viterbi).

    Where the diarizer heard somebody else begin, a change costs nothing: every short answer would be lost else.
    """
    count, states = likely.shape
    stay, change = np.log(1 - CHANGE), np.log(CHANGE / max(states - 1, 1))
    came = np.empty((count, states), np.int64)
    stayed = np.arange(states)
    free = np.append(False, labels[1:] != labels[:-1])
    so_far = likely[0]
    for t in range(1, count):
        best = int(so_far.argmax())
        jump = so_far[best] + (stay if free[t] else change)
        remain = so_far + stay
        came[t] = np.where(remain >= jump, stayed, best)
        so_far = np.maximum(remain, jump) + likely[t]
    way = np.empty(count, np.int64)
    way[-1] = int(so_far.argmax())
    for t in range(count - 1, 0, -1):
        way[t - 1] = came[t, way[t]]
    return way
