"""One overlap, heard twice: where one hearing gives way to the other, and which words stay.

The cut lies in a gap that both hearings share, the widest one near the boundary; without one, inside a run of words
on which both agree; at last resort at the boundary itself. Each word that both heard, whatever its times on either
side, is decided once. What one side alone has words for, on the other's side of the cut, stays where the speech map
says that somebody speaks.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence

from tasks.intervals import Span, subtract
from tasks.merging.alignment import Unit
from tasks.records import Word

LEAST_GAP_S = 0.1
"""Narrower gaps are no better a place than the middle of a sentence: word times are not that exact."""
EDGE_S = 1.0
"""So near to its chunk's edge a recogniser heard half a sentence: trusted only where the other is silent."""
MOST_IN_DOUBT = 3
"""Words of one side that the other tells with fewer are kept up to this many; more have to be credible, too."""
FASTEST = 6.0
"""Words a second beyond those that nobody exceeds for long: more in the time of both hearings were not all said."""
UNTOLD = 0.5
"""How sure a recogniser counts as that doesn't tell."""


def find_cut(both: Sequence[Unit], overlap: Span, boundary_s: float) -> tuple[float, str]:
    """(time_s, way) of the cut between two hearings, inside `overlap`, away from its ends where both are weak."""
    inner = overlap.grow(-min(EDGE_S, overlap.duration_s / 4))
    silent = subtract([inner], [w.span for unit in both for w in unit.left + unit.right])
    silent = [s for s in silent if s.duration_s >= LEAST_GAP_S]
    if silent:
        # Width counts up to a second; beyond that the nearness to the boundary decides.
        best = max(silent, key=lambda s: (min(s.duration_s, 1.0) - s.distance_s(boundary_s) / 10, -s.start_s))
        return (boundary_s if boundary_s in best else best.middle_s), "gap"
    agreed = [(a.middle_s + b.middle_s) / 2 for a, b in itertools.pairwise(both) if a.agreed and b.agreed]
    agreed = [t for t in agreed if t in inner]
    if agreed:
        return min(agreed, key=lambda t: (abs(t - boundary_s), t)), "agreed"
    return boundary_s, "boundary"


def decided(both: Sequence[Unit], cut_s: float, overlap: Span, speech: Sequence[Span]) -> tuple[list[Word], int]:
    """The words that stay, in the order of the units, and how many of them come from the other side of the cut.

    `speech`: what the speech map says about the overlap, tidy.
    """
    out: list[Word] = []
    recovered = 0
    for i, unit in enumerate(both):
        is_left = unit.middle_s < cut_s
        own, other = (unit.left, unit.right) if is_left else (unit.right, unit.left)
        # When in doubt keep: the other side has words where this one has none, or fewer. What stands in silence says
        # nothing for either.
        said, told = ([w for w in side if _in_speech(w, speech)] for side in (other, own))
        if not unit.agreed and len(told) < len(said) and (len(said) <= MOST_IN_DOUBT or _says_more(said, told)):
            edge_s = overlap.start_s if is_left else overlap.end_s
            if not _at_edge(said, edge_s, both, i, is_left):
                recovered += len(said)
                own = tuple(said)
        out += own
    return out, recovered


def _says_more(many: Sequence[Word], few: Sequence[Word]) -> bool:
    """Whether `many` words can have been said in the time that two hearings differ about, and count for more than the
    `few` by how sure each is: the other hearing then made one word of a phrase."""
    both = (*many, *few)
    length_s = max(w.end_s for w in both) - min(w.start_s for w in both)
    return len(many) <= MOST_IN_DOUBT + FASTEST * length_s and _sure(many) > _sure(few)


def _sure(words: Sequence[Word]) -> float:
    return sum(UNTOLD if w.confidence is None else w.confidence for w in words)


def _at_edge(words: Sequence[Word], edge_s: float, both: Sequence[Unit], i: int, is_left: bool) -> bool:
    """Whether unit `i`'s `words` by the other side lie at that chunk's edge, and this side was not silent there."""
    if all(w.span.distance_s(edge_s) > EDGE_S for w in words):
        return False
    near = (w for unit in both[max(0, i - 3) : i + 4] for w in (unit.left if is_left else unit.right))
    start_s, end_s = words[0].start_s - EDGE_S / 2, words[-1].end_s + EDGE_S / 2
    return any(w.start_s < end_s and w.end_s > start_s for w in near)


def _in_speech(word: Word, speech: Sequence[Span]) -> bool:
    i = bisect_right(speech, word.middle_s, key=lambda s: s.start_s) - 1
    return i >= 0 and word.middle_s in speech[i]
