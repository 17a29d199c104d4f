"""Find the places where transcriptions of one recording differ most.

Pure. Every two of them are aligned word by word; what differs is what the normaliser does not make the same. Times
are seconds of the recording.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations

from tasks.comparison.records import Place
from tasks.evaluation.normalizers import Normalizer
from tasks.intervals import Span
from tasks.joining import join_words
from tasks.merging.alignment import align_words
from tasks.records import Word

MOST_PLACES = 10
WINDOW_S = 10.0
"""Longest stretch of differences that is one place."""
CONTEXT_S = 1.0
"""Seconds before and after the differences that a place shows."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Words that one of two sides has and the other has not; `size`: words of the longer side."""

    span: Span
    size: int


def find_places(
    sides: Sequence[Sequence[Word]], normalizer: Normalizer, most: int = MOST_PLACES, window_s: float = WINDOW_S
) -> list[Place]:
    """Find the places, at most `most` and apart from each other, with the most differing words, these first.

    `sides`: the words of each candidate, sorted by start.
    """
    differences = [
        difference for one, other in combinations(sides, 2) for difference in compare_words(one, other, normalizer)
    ]
    places = [
        (group, Span(min(d.span.start_s for d in group), max(d.span.end_s for d in group)))
        for group in select_groups(differences, most, window_s)
    ]
    return [
        Place(shown, tuple(join_words(w for w in side if w.middle_s in shown) for side in sides), _sum_sizes(group))
        for group, span in places
        for shown in [Span(max(0.0, span.start_s - CONTEXT_S), span.end_s + CONTEXT_S)]
    ]


def compare_words(one: Sequence[Word], other: Sequence[Word], normalizer: Normalizer) -> list[Difference]:
    """Find what differs between two transcriptions, in order of time."""
    found = []
    for unit in align_words(one, other):
        if unit.agreed:
            continue
        texts = [normalizer.split([join_words(side)]) for side in (unit.left, unit.right)]
        if texts[0] == texts[1]:
            continue
        words = unit.left + unit.right
        span = Span(min(w.start_s for w in words), max(w.end_s for w in words))
        found.append(Difference(span, max(map(len, texts))))
    return found


def select_groups(differences: Sequence[Difference], most: int, window_s: float) -> list[list[Difference]]:
    """Group differences that begin within `window_s` of the first, and select the largest groups, apart in time.

    >>> near, far = Difference(Span(1, 2), 1), Difference(Span(50, 51), 4)
    >>> [[d.size for d in group] for group in select_groups([near, Difference(Span(3, 4), 2), far], 2, 10)]
    [[4], [1, 2]]
    """
    left = sorted(differences, key=lambda d: (d.span.start_s, d.span.end_s))
    chosen: list[list[Difference]] = []
    while left and len(chosen) < most:
        starts = [d.span.start_s for d in left]
        sums = [0, *accumulate(d.size for d in left)]
        ends = [bisect_right(starts, start + window_s) for start in starts]
        best = max(range(len(left)), key=lambda i: (sums[ends[i]] - sums[i], -i))
        group = left[best : ends[best]]
        chosen.append(group)
        taken = Span(group[0].span.start_s, max(d.span.end_s for d in group)).grow(2 * CONTEXT_S)
        left = [d for d in left if not taken & d.span]
    return sorted(chosen, key=lambda group: (-_sum_sizes(group), group[0].span.start_s))


def _sum_sizes(group: Sequence[Difference]) -> int:
    return sum(d.size for d in group)
