"""Place the cut in one overlap of two chunks, and select the words on either side of it.

The cut lies in a gap common to both transcriptions, preferably wide and near the chunk boundary; without a gap,
between two words on which both agree; failing that, at the boundary itself. Words of the left chunk are kept before
the cut, those of the right chunk after it. Each aligned unit is decided once, whatever its times on either side, so
that no word is lost or doubled. Words that only the other chunk has are recovered where the speech map has speech.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence

from tasks.intervals import Span, subtract
from tasks.joining import weigh_word
from tasks.merging.alignment import AlignedUnit
from tasks.records import Word

MIN_GAP_S = 0.1
"""Shortest gap to cut in, in seconds: word times are not more exact than this."""
EDGE_S = 1.0
"""Within this distance of its chunk's edge, in seconds, a recogniser had half a sentence as context: its words are
recovered only where the other chunk has none."""
MAX_UNVERIFIED_WORDS = 3
"""Up to this many words are recovered where the other chunk has fewer; more have to be credible (`_is_credible`)."""
MAX_WORDS_PER_S = 6.0
"""Fastest sustained speech, in words per second; a higher rate is a hallucination."""
DEFAULT_CONFIDENCE = 0.5
"""Confidence assumed for words of a recogniser that reports none."""


def find_cut(units: Sequence[AlignedUnit], overlap: Span, boundary_s: float) -> tuple[float, str]:
    """Find (time in seconds, "gap", "agreed" or "boundary") of the cut, inside `overlap` and away from its edges."""
    inner = overlap.grow(-min(EDGE_S, overlap.duration_s / 4))
    silent = subtract([inner], [w.span for unit in units for w in unit.left + unit.right])
    silent = [s for s in silent if s.duration_s >= MIN_GAP_S]
    if silent:
        # Width counts up to a second; beyond that the nearness to the boundary decides.
        best = max(silent, key=lambda s: (min(s.duration_s, 1.0) - s.distance_s(boundary_s) / 10, -s.start_s))
        return (boundary_s if boundary_s in best else best.middle_s), "gap"
    agreed = [(a.middle_s + b.middle_s) / 2 for a, b in itertools.pairwise(units) if a.agreed and b.agreed]
    agreed = [t for t in agreed if t in inner]
    if agreed:
        return min(agreed, key=lambda t: (abs(t - boundary_s), t)), "agreed"
    return boundary_s, "boundary"


def select_words(
    units: Sequence[AlignedUnit], cut_s: float, overlap: Span, speech: Sequence[Span]
) -> tuple[list[Word], int]:
    """Select (words to keep, in the order of the units; number of those recovered from the chunk across the cut).

    `speech`: sorted, disjoint speech spans of the overlap.
    """
    out: list[Word] = []
    recovered = 0
    for i, unit in enumerate(units):
        is_left = unit.middle_s < cut_s
        own, other = (unit.left, unit.right) if is_left else (unit.right, unit.left)
        # Recover the other chunk's words where this one has none, or fewer. Words in silence do not count for either.
        other_words, own_words = ([w for w in side if _is_in_speech(w, speech)] for side in (other, own))
        if (
            not unit.agreed
            and len(own_words) < len(other_words)
            and (len(other_words) <= MAX_UNVERIFIED_WORDS or _is_credible(other_words, own_words))
        ):
            edge_s = overlap.start_s if is_left else overlap.end_s
            if not _is_at_edge(other_words, edge_s, units, i, is_left):
                recovered += len(other_words)
                own = tuple(other_words)
        out += own
    return out, recovered


def _is_credible(many: Sequence[Word], few: Sequence[Word]) -> bool:
    """Whether `many` words fit into the time of both, and have the higher total confidence: then the other recogniser
    has collapsed a phrase into `few`."""
    words = (*many, *few)
    length_s = max(w.end_s for w in words) - min(w.start_s for w in words)
    possible = MAX_UNVERIFIED_WORDS + MAX_WORDS_PER_S * length_s
    return sum(map(weigh_word, many)) <= possible and _sum_confidence(many) > _sum_confidence(few)


def _sum_confidence(words: Sequence[Word]) -> float:
    return sum(DEFAULT_CONFIDENCE if w.confidence is None else w.confidence for w in words)


def _is_at_edge(words: Sequence[Word], edge_s: float, units: Sequence[AlignedUnit], i: int, is_left: bool) -> bool:
    """Whether `words` of unit `i` lie at the edge of their chunk, and the other chunk has words there."""
    if all(w.span.distance_s(edge_s) > EDGE_S for w in words):
        return False
    near = (w for unit in units[max(0, i - 3) : i + 4] for w in (unit.left if is_left else unit.right))
    start_s, end_s = words[0].start_s - EDGE_S / 2, words[-1].end_s + EDGE_S / 2
    return any(w.start_s < end_s and w.end_s > start_s for w in near)


def _is_in_speech(word: Word, speech: Sequence[Span]) -> bool:
    i = bisect_right(speech, word.middle_s, key=lambda s: s.start_s) - 1
    return i >= 0 and word.middle_s in speech[i]
