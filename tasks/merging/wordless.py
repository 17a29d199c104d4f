"""Speech at the seams that no word tells of, and the words found when it is decoded once more."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence

from tasks.intervals import Span, intersect, measure_union_s, merge_spans, subtract
from tasks.records import Chunk, Word

REDECODE_S = 1.5
"""Speech in an overlap that neither side has words for is decoded again from this length on, seconds."""


def wordless(chunks: Sequence[Chunk], kept: Sequence[Word]) -> list[Span]:
    """Spans of speech in the overlaps that no word of `kept` (sorted by start; any channel) tells of."""
    longest = max((w.end_s - w.start_s for w in kept), default=0.0)
    out = []
    for left, right in itertools.pairwise(chunks):
        overlap = left.span & right.span
        if not overlap:
            continue
        first = bisect_left(kept, overlap.start_s - longest - 1.0, key=_start)
        last = bisect_right(kept, overlap.end_s + 1.0, key=_start)
        said = merge_spans((w.span.grow(0.2) for w in kept[first:last]), 0.5)
        speech = intersect([overlap], [*left.speech, *right.speech])
        out += [s for s in subtract(speech, said) if s.duration_s > REDECODE_S]
    return merge_spans(out)


def fill(words: Sequence[Word], again: Sequence[Word], spans: Sequence[Span]) -> tuple[Word, ...]:
    """`words` with those of `again` that lie in `spans` and collide with none already there in their channel."""
    wanted = merge_spans(spans)
    starts = [s.start_s for s in wanted]
    taken: dict[int, list[Span]] = defaultdict(list)
    for word in words:
        taken[word.channel].append(word.span)
    taken = defaultdict(list, {channel: merge_spans(said) for channel, said in taken.items()})
    new = []
    for word in again:
        i = bisect_right(starts, word.middle_s) - 1
        if i < 0 or word.middle_s not in wanted[i]:
            continue
        said = taken[word.channel]
        first = bisect_right(said, word.start_s, key=lambda s: s.end_s)
        last = bisect_left(said, word.end_s, key=lambda s: s.start_s)
        if measure_union_s(s & word.span for s in said[first:last]) < 0.5 * word.span.duration_s:
            new.append(word)
    return tuple(sorted([*words, *new], key=by_time))


def _start(word: Word) -> float:
    return word.start_s


def by_time(word: Word) -> tuple[float, float]:
    """Words sort by start, then by end."""
    return word.start_s, word.end_s
