"""Speech at the seams without words, and the words found when it is decoded again."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence

from tasks.intervals import Span, intersect, measure_union_s, merge_spans, subtract
from tasks.records import Chunk, Word

REDECODE_S = 1.5
"""Speech in an overlap that neither chunk has words for is decoded again if longer than this, seconds."""


def find_untranscribed(chunks: Sequence[Chunk], kept: Sequence[Word]) -> list[Span]:
    """Find speech in overlaps, longer than REDECODE_S, without a word of `kept` (any channel, sorted by start)."""
    longest = max((w.end_s - w.start_s for w in kept), default=0.0)
    out = []
    for left, right in itertools.pairwise(chunks):
        overlap = left.span & right.span
        if not overlap:
            continue
        first = bisect_left(kept, overlap.start_s - longest - 1.0, key=_start_key)
        last = bisect_right(kept, overlap.end_s + 1.0, key=_start_key)
        covered = merge_spans((w.span.grow(0.2) for w in kept[first:last]), 0.5)
        speech = intersect([overlap], [*left.speech, *right.speech])
        out += [s for s in subtract(speech, covered) if s.duration_s > REDECODE_S]
    return merge_spans(out)


def fill_untranscribed(words: Sequence[Word], again: Sequence[Word], spans: Sequence[Span]) -> tuple[Word, ...]:
    """Add to `words` those of `again` whose middle lies in `spans` and that no word of their channel covers by half.

    Returns all words by start, then end.
    """
    gaps = merge_spans(spans)
    starts = [s.start_s for s in gaps]
    taken: dict[int, list[Span]] = defaultdict(list)
    for word in words:
        taken[word.channel].append(word.span)
    taken = defaultdict(list, {channel: merge_spans(covered) for channel, covered in taken.items()})
    added = []
    for word in again:
        i = bisect_right(starts, word.middle_s) - 1
        if i < 0 or word.middle_s not in gaps[i]:
            continue
        covered = taken[word.channel]
        first = bisect_right(covered, word.start_s, key=lambda s: s.end_s)
        last = bisect_left(covered, word.end_s, key=lambda s: s.start_s)
        if measure_union_s(s & word.span for s in covered[first:last]) < 0.5 * word.span.duration_s:
            added.append(word)
    return tuple(sorted([*words, *added], key=time_key))


def _start_key(word: Word) -> float:
    return word.start_s


def time_key(word: Word) -> tuple[float, float]:
    """Sort key of words: start, then end, in seconds."""
    return word.start_s, word.end_s
