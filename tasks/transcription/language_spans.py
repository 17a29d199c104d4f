"""Divide speech into spans of one language each, where people switch languages.

Pure. Pieces of speech of some seconds are the steps of a hidden Markov model whose states are the languages: what a
recogniser detects in each piece is weighed against the rarity of switches, so that a short piece that is taken for
another language does not interrupt its surroundings.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, merge_spans
from tasks.transcription.language import Detection, Place, limit_languages

MAX_PIECE_S = 4.5
"""Seconds: the longest piece that is detected at once."""
MIN_PIECE_S = 1.5
"""Seconds: a pause nearer to the edge of longer speech doesn't cut off a piece."""
JOIN_GAP_S = 0.6
"""Seconds of pause over which speech is one piece."""
SWITCH = 0.15
"""Probability that the language changes between two pieces."""
RELIABLE_S = 2.0
"""Seconds of speech from which a detection is as reliable as it gets."""
PLAUSIBLE_S, PLAUSIBLE = 8.0, 0.04
"""Seconds, and share of the speech: a language that detected for less than the smaller of them is an error."""
MIN_ERROR, MAX_ERROR = 0.02, 0.3
"""Share of detections that are wrong: of `RELIABLE_S` seconds and more, and of next to none."""


def split_for_detection(speech: Sequence[Span]) -> list[Span]:
    """Split speech into pieces of at most `MAX_PIECE_S` seconds in each of which the language is detected.

    Speech is cut at the longest pauses that leave `MIN_PIECE_S` seconds on both sides, and evenly where it has none.

    >>> split_for_detection([Span(0, 2), Span(2.2, 4), Span(4.5, 6), Span(9, 10)])
    [Span(start_s=0, end_s=4), Span(start_s=4.5, end_s=6), Span(start_s=9, end_s=10)]
    """
    pieces: list[Span] = []
    group: list[Span] = []
    for span in merge_spans(speech):
        if group and span.start_s - group[-1].end_s > JOIN_GAP_S:
            pieces += _divide(group)
            group = []
        group.append(span)
    return pieces + (_divide(group) if group else [])


def _divide(group: Sequence[Span]) -> list[Span]:
    whole = Span(group[0].start_s, group[-1].end_s)
    if whole.duration_s <= MAX_PIECE_S:
        return [whole]
    cuts = [
        i
        for i in range(1, len(group))
        if group[i - 1].end_s - whole.start_s >= MIN_PIECE_S and whole.end_s - group[i].start_s >= MIN_PIECE_S
    ]
    if cuts:
        at = max(cuts, key=lambda i: group[i].start_s - group[i - 1].end_s)
        return _divide(group[:at]) + _divide(group[at:])
    count = math.ceil(whole.duration_s / MAX_PIECE_S)
    edges = [whole.start_s + whole.duration_s * i / count for i in range(count)] + [whole.end_s]
    return [Span(start, end) for start, end in itertools.pairwise(edges)]


def find_language_spans(
    pieces: Sequence[Span], detections: Sequence[Detection], speech_s: Sequence[float] | None = None
) -> list[Place]:
    """Divide pieces, in order of time, into spans of one language: the likeliest sequence of states (Viterbi).

    `detections`: by piece; `speech_s`: seconds of speech in each, by default its length. The confidence is the
    state's probability given all detections (forward-backward), less what was detected of languages that are taken
    for errors. Pieces without a detection go with their neighbours.
    """
    seconds = speech_s if speech_s is not None else [piece.duration_s for piece in pieces]
    languages = _list_plausible(detections, seconds)
    if not languages:
        return []
    likely = np.array(
        [_weigh(limit_languages(d, languages), s, languages) for d, s in zip(detections, seconds, strict=True)]
    )
    path, sure = _decode(likely)
    sure *= np.array([sum(p for code, p in d if code in languages) if d else 1.0 for d in detections])[:, None]
    spans: list[Place] = []
    start = 0
    for i in range(1, len(pieces) + 1):
        if i == len(pieces) or path[i] != path[start]:
            weights = np.maximum(1e-9, seconds[start:i])
            confidence = float(np.average(sure[start:i, path[start]], weights=weights))
            spans.append(Place(Span(pieces[start].start_s, pieces[i - 1].end_s), languages[path[start]], confidence))
            start = i
    return spans


def _list_plausible(detections: Sequence[Detection], seconds: Sequence[float]) -> list[str]:
    """List the languages that are expected to be spoken for long enough, at least the likeliest one."""
    expected: dict[str, float] = defaultdict(float)
    for detection, weight in zip(detections, seconds, strict=True):
        for code, probability in detection:
            expected[code] += probability * weight
    least = min(PLAUSIBLE_S, PLAUSIBLE * sum(seconds), max(expected.values(), default=0.0))
    return sorted(code for code, own in expected.items() if own >= least)


def _weigh(detection: Detection, seconds: float, languages: Sequence[str]) -> list[float]:
    """Likelihood of each language: as detected, but for the share of detections that are wrong."""
    error = MAX_ERROR + (MIN_ERROR - MAX_ERROR) * min(1.0, seconds / RELIABLE_S)
    found = dict(detection)
    if not found:
        return [1 / len(languages)] * len(languages)
    return [(1 - error) * found.get(code, 0.0) + error / len(languages) for code in languages]


def _decode(likely: NDArray[np.float64]) -> tuple[list[int], NDArray[np.float64]]:
    """(likeliest state by step, probability of each state at each step), for `likely` of shape (steps, states)."""
    steps, states = likely.shape
    move = np.full((states, states), SWITCH / max(1, states - 1))
    np.fill_diagonal(move, 1 - SWITCH if states > 1 else 1.0)
    best, back = np.log(likely[0]), np.zeros(likely.shape, dtype=int)
    ahead = np.empty_like(likely)
    ahead[0] = likely[0] / likely[0].sum()
    for t in range(1, steps):
        reached = best[:, None] + np.log(move)
        back[t] = reached.argmax(axis=0)
        best = reached.max(axis=0) + np.log(likely[t])
        ahead[t] = (ahead[t - 1] @ move) * likely[t]
        ahead[t] /= ahead[t].sum()
    path = [int(best.argmax())]
    for t in range(steps - 1, 0, -1):
        path.append(int(back[t, path[-1]]))
    behind = np.ones(states)
    sure = ahead.copy()
    for t in range(steps - 2, -1, -1):
        behind = move @ (likely[t + 1] * behind)
        behind /= behind.sum()
        sure[t] = ahead[t] * behind
        sure[t] /= sure[t].sum()
    return path[::-1], sure
