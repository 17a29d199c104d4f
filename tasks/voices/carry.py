"""A recording processed again: which of its speakers is which of before, by when they speak.

Who spoke in those seconds is what people corrected, and what stays when models and settings change: embeddings of
another model can't be compared, and labels are given anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.intervals import Span, intersect, measure_union_s, merge_spans
from tasks.voices.records import Vector

ENOUGH = 0.5
"""Of the shorter one's speech: so much must both have in common."""

SAME = 0.99
"""Cosine. Of another day a voice is never so like."""

Spoken = Mapping[str, Sequence[Span]]


def carried(before: Spoken, now: Spoken) -> dict[str, str]:
    """The speaker of before that each speaker of now is, where there is one; none is two.

    >>> carried({"SPEAKER_00": [Span(0, 10)]}, {"SPEAKER_01": [Span(1, 9)], "SPEAKER_00": [Span(20, 30)]})
    {'SPEAKER_01': 'SPEAKER_00'}
    """
    from scipy.optimize import linear_sum_assignment

    old, new = ({label: merge_spans(spans) for label, spans in sorted(each.items())} for each in (before, now))
    if not old or not new:
        return {}
    both = np.array([[measure_union_s(intersect(a, b)) for b in old.values()] for a in new.values()])
    least = np.array([[min(measure_union_s(a), measure_union_s(b)) for b in old.values()] for a in new.values()])
    worth = np.where((both > 0) & (both >= ENOUGH * least), both, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    ours, theirs = list(new), list(old)
    return {ours[r]: theirs[c] for r, c in zip(rows, columns, strict=True) if worth[r, c] > 0}


def the_same(before: Mapping[str, Vector], now: Mapping[str, Vector]) -> dict[str, str]:
    """Who has, by one speaker model, all but the same embedding (unit length) as before: the same stretches of sound.

    For a recording whose turns of before aren't known any more.
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
    return {labels[r]: known[c] for r, c in zip(rows, columns, strict=True) if worth[r, c] >= SAME}
