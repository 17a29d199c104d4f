"""Match the speakers of a recording processed again with its earlier speakers, by speech time or by embedding.

Labels are assigned anew by each run and embeddings of different models can't be compared, but the time at which a
person speaks stays the same. So corrections made by people survive a change of models and settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.intervals import Span, intersect, measure_union_s, merge_spans
from tasks.voices.records import Vector

MIN_OVERLAP = 0.5
"""Smallest share of the shorter speech time that two matched speakers have in common."""

MIN_COSINE = 0.99
"""Smallest cosine of two embeddings of the same audio by the same model; other audio of a voice stays below it."""

SpansBySpeaker = Mapping[str, Sequence[Span]]


def match_by_time(before: SpansBySpeaker, now: SpansBySpeaker) -> dict[str, str]:
    """Map current labels to earlier ones by largest common speech time (one to one, Hungarian method).

    >>> match_by_time({"SPEAKER_00": [Span(0, 10)]}, {"SPEAKER_01": [Span(1, 9)], "SPEAKER_00": [Span(20, 30)]})
    {'SPEAKER_01': 'SPEAKER_00'}
    """
    from scipy.optimize import linear_sum_assignment

    old, new = ({label: merge_spans(spans) for label, spans in sorted(each.items())} for each in (before, now))
    if not old or not new:
        return {}
    both = np.array([[measure_union_s(intersect(a, b)) for b in old.values()] for a in new.values()])
    least = np.array([[min(measure_union_s(a), measure_union_s(b)) for b in old.values()] for a in new.values()])
    worth = np.where((both > 0) & (both >= MIN_OVERLAP * least), both, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    ours, theirs = list(new), list(old)
    return {ours[r]: theirs[c] for r, c in zip(rows, columns, strict=True) if worth[r, c] > 0}


def match_by_embedding(before: Mapping[str, Vector], now: Mapping[str, Vector]) -> dict[str, str]:
    """Map current labels to earlier ones whose embeddings (unit length, one speaker model) are almost equal.

    For a recording whose earlier turns are no longer available.
    """
    from scipy.optimize import linear_sum_assignment

    old, new = ({label: e for label, e in sorted(each.items()) if len(e)} for each in (before, now))
    if not old or not new:
        return {}
    size = max(map(len, [*old.values(), *new.values()]))
    ours, theirs = (np.array([np.pad(e, (0, size - len(e))) for e in each.values()]) for each in (new, old))
    worth = ours @ theirs.T
    rows, columns = linear_sum_assignment(worth, maximize=True)
    labels, known = list(new), list(old)
    return {labels[r]: known[c] for r, c in zip(rows, columns, strict=True) if worth[r, c] >= MIN_COSINE}
