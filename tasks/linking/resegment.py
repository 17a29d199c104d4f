"""Resegmentation: assign each chunk's windows to the recording's voices with a hidden Markov model.

The states are the recording's voices, each adapted to its windows in this chunk (as in VBx, Landini et al. 2022). The
observations are the embeddings and the labels of the chunk's diarizer, whose confusion probabilities p(label | voice)
are learnt label by label: a label of two speakers loses its weight. So neither a weak speaker model nor a bad
diarizer alone determines the result.
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
"""Prior share of a label's windows that belong to the voice it was linked to: low enough for a voice that the
diarizer
missed …"""
TRUST_WINDOWS = 20.0
"""… and the weight of that prior, in windows."""
SUREST = 3.0
"""Most log odds of a single window, as it may hold overlapped speech or a noise."""
NEVER = 1e-9
TOGETHER = 64
"""Chunks processed at once (vectorised)."""
CHANGE = 0.1
"""Probability of a speaker change after a window: windows every 0.75 s, turns of 3 to 15 s."""


@dataclass(frozen=True, eq=False)
class LabelledWindows:
    """A chunk's windows, sorted by time: `placed` (N, Q) along the axes of the voices' model, `labels` (N,) of the
    diarizer, from 0. `linked`: the voice of each label, −1 for none. `transitions`: labels without a voice of their
    own (see `nodes.is_transition_label`), whose windows may only go to the chunk's other voices."""

    placed: Array
    labels: Array
    linked: Array
    transitions: Sequence[int] = ()

    def label_priors(self, voices: int) -> Array:
        """Prior weights (labels, voices) of each voice for a window of each of the diarizer's labels."""
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
    """For each chunk the (N,) voices of its windows, −1 where the diarizer's label has no voice."""
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
    """Log likelihoods (N, K) of windows, with each voice's mean adapted to the windows it has now (`path`, (N,))."""
    session = voices.model.session
    place = voices.centres()
    variance = np.tile(1.0 + session, (len(place), 1))
    for k in np.unique(path):
        mine = placed[path == k]
        # Posterior weight of these windows' mean against the recording's; neighbouring windows are correlated.
        weight = session / (session + REPEATED / len(mine))
        place[k] += weight * (mine.mean(0) - place[k])
        variance[k] = 1.0 + session * (1 - weight)
    squares = np.square(placed) @ (1 / variance).T - 2 * placed @ (place / variance).T
    squares += (np.square(place) / variance + np.log(variance)).sum(1)
    likely = -0.5 * squares / REPEATED
    out: Array = np.maximum(likely, likely.max(1, keepdims=True) - SUREST)
    return out


def find_best_paths(likely: Sequence[Array], labels: Sequence[Array]) -> list[Array]:
    """For each chunk the (N,) states of the likeliest path through its (N, K) log likelihoods (Viterbi).

    Where the diarizer's label changes, a change of state costs nothing, which keeps short answers. All chunks advance
    together, vectorised over chunks.
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
