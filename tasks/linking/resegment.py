"""Windows given anew to the recording's voices, chunk by chunk, so that the rest of the day mends a chunk's diarizer.

A hidden Markov model over a chunk's windows. Its states are the recording's voices, each where the recording puts it,
drawn towards what it sounds like in this chunk (as in VBx, Landini et al. 2022). The chunk's diarizer is a witness
whose trustworthiness is learnt label by label: one that holds two people soon says little. So a weak speaker model
can't spoil what a chunk's diarizer knew, and a bad diarizer can't spoil what the day knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from tasks.linking.nodes import Array
from tasks.linking.plda import Groups
from tasks.linking.within_covariance import REPEATED

ROUNDS = 4
TRUST = 0.4
"""Share of a label's windows supposed to be of the voice it was linked to, before more is known: low enough for a
voice that the diarizer missed to come in …"""
TRUST_WINDOWS = 20.0
"""… and how many windows' evidence that is worth."""
SUREST = 3.0
"""Log odds: no window alone says more, as it may hold two people, a door, a laugh."""
NEVER = 1e-9
TOGETHER = 64
"""Chunks worked on at a time."""
CHANGE = 0.1
"""Share of windows after which somebody else speaks: windows of 0.75 s, turns of 3 to 15 s."""


@dataclass(frozen=True, eq=False)
class LabelledWindows:
    """A chunk's windows, in order of time: `placed` (N, Q) along the axes of the voices' model, `labels` (N,) the
    diarizer's, from 0. `linked`: the voice of each label, −1 where it is nobody we can name. `passing`: labels of no
    voice of their own (see `nodes.is_passing`), whose windows are the chunk's other voices' alone."""

    placed: Array
    labels: Array
    linked: Array
    transitions: Sequence[int] = ()

    def label_priors(self, voices: int) -> Array:
        """(labels, voices): how likely the diarizer is to give a window of a voice each label, before it is heard."""
        out = np.full((len(self.linked), voices), (1 - TRUST) / voices)
        named = np.flatnonzero(self.linked >= 0)
        out[named, self.linked[named]] += TRUST
        others = np.setdiff1d(self.linked[np.setdiff1d(named, self.transitions)], [-1])
        if len(others):
            theirs = np.array(self.transitions, dtype=np.intp)
            out[theirs] = NEVER
            out[np.ix_(theirs, others)] = 1.0 / len(others)
        return out


def resegment(chunks: Iterable[LabelledWindows], voices: Groups) -> Iterator[Array]:
    """For each chunk the (N,) voices of its windows, −1 where the diarizer's label is nobody's."""
    left = iter(chunks)
    while some := list(islice(left, TOGETHER)):
        yield from _resegment(some, voices)


def _resegment(chunks: Sequence[LabelledWindows], voices: Groups) -> list[Array]:
    known = [c.linked[c.labels] >= 0 for c in chunks]
    chunks = [replace(c, placed=c.placed[k], labels=c.labels[k]) for c, k in zip(chunks, known, strict=True)]
    priors = [c.label_priors(len(voices.precision)) for c in chunks]
    trusted, paths = list(priors), [c.linked[c.labels] for c in chunks]
    unsettled = [i for i, c in enumerate(chunks) if len(c.labels)]
    for _ in range(ROUNDS):
        labels = [chunks[i].labels for i in unsettled]
        likely = [
            _log_likelihoods(chunks[i].placed, paths[i], voices) + np.log(trusted[i])[chunks[i].labels]
            for i in unsettled
        ]
        before, paths = list(paths), list(paths)
        for i, path in zip(unsettled, find_best_paths(likely, labels), strict=True):
            paths[i] = path
        unsettled = [i for i in unsettled if not np.array_equal(before[i], paths[i])]
        for i in unsettled:
            counts = np.zeros_like(priors[i])
            np.add.at(counts, (chunks[i].labels, paths[i]), 1.0)
            trusted[i] = (counts + TRUST_WINDOWS * priors[i]) / (counts.sum(1, keepdims=True) + TRUST_WINDOWS)
    out = [np.full(len(k), -1) for k in known]
    for found, k, path in zip(out, known, paths, strict=True):
        found[k] = path
    return out


def _log_likelihoods(placed: Array, path: Array, voices: Groups) -> Array:
    """(N, K) log likelihoods of windows, each voice's place in this chunk taken from the windows it has now."""
    session = voices.model.session
    place = voices.centres()
    variance = np.tile(1.0 + session, (len(place), 1))
    for k in np.unique(path):
        mine = placed[path == k]
        # How far these windows, of which neighbours say the same, move it from where the recording puts it.
        weight = session / (session + REPEATED / len(mine))
        place[k] += weight * (mine.mean(0) - place[k])
        variance[k] = 1.0 + session * (1 - weight)
    squares = np.square(placed) @ (1 / variance).T - 2 * placed @ (place / variance).T
    squares += (np.square(place) / variance + np.log(variance)).sum(1)
    likely = -0.5 * squares / REPEATED
    out: Array = np.maximum(likely, likely.max(1, keepdims=True) - SUREST)
    return out


def find_best_paths(likely: Sequence[Array], labels: Sequence[Array]) -> list[Array]:
    """For each chunk the (N,) states of the likeliest way through its (N, K) log likelihoods (Viterbi).

    Where the diarizer heard somebody else begin, a change costs nothing: every short answer would be lost else. All
    chunks take a step at once, which is what makes a month's windows a matter of seconds.
    """
    if not likely:
        return []
    longest_first = sorted(range(len(likely)), key=lambda i: -len(likely[i]))
    lengths = np.array([len(likely[i]) for i in longest_first])
    shape, states = (int(lengths[0]), len(likely)), likely[0].shape[1]
    said, free = np.zeros((*shape, states)), np.zeros(shape, bool)
    for row, i in enumerate(longest_first):
        said[: lengths[row], row] = likely[i]
        free[1 : lengths[row], row] = labels[i][1:] != labels[i][:-1]
    stay, change = np.log(1 - CHANGE), np.log(CHANGE / max(states - 1, 1))
    rows, stayed = np.arange(len(likely)), np.arange(states)
    came = np.empty((*shape, states), np.int32)
    so_far = said[0].copy()
    going = [int((lengths > t).sum()) for t in range(shape[0])]
    for t in range(1, shape[0]):
        m = going[t]
        best = so_far[:m].argmax(1)
        jump = (so_far[rows[:m], best] + np.where(free[t, :m], stay, change))[:, None]
        remain = so_far[:m] + stay
        came[t, :m] = np.where(remain >= jump, stayed, best[:, None])
        so_far[:m] = np.maximum(remain, jump) + said[t, :m]
    path = np.empty(shape, np.int64)
    at = so_far.argmax(1)
    for t in range(shape[0] - 1, 0, -1):
        m = going[t]
        path[t, :m] = at[:m]
        at[:m] = came[t, rows[:m], at[:m]]
    path[0] = at
    out: list[Array] = [np.empty(0, np.int64)] * len(likely)
    for row, i in enumerate(longest_first):
        out[i] = path[: lengths[row], row]
    return out
