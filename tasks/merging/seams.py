"""Seams: where the words of one chunk end and those of the next begin.

In an overlap both chunks heard the same speech: left of a cut the left chunk tells it, right of the cut the right one
(see `cut`), so that no word is lost and none doubled. A seam may cost a moment of a word; it never deletes speech.
Each channel has words, cuts and evidence of its own.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasks.intervals import Span, intersect, merge_spans
from tasks.merging.alignment import units
from tasks.merging.cut import EDGE_S, decided, find_cut
from tasks.merging.wordless import by_time, wordless
from tasks.records import Chunk, Word

SPEECH_MARGIN_S = 0.3
"""Words lie in speech up to this far outside of it: their times and the speech map's are not that exact."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Evidence of the seam before chunk `right`: where it was cut, and what became of the words in the overlap."""

    right: int
    cut_s: float
    way: str
    """gap, agreed or boundary."""
    kept: int
    dropped: int
    """Of two hearings of a word one is dropped: about half of what both sides heard."""
    recovered: int = 0
    """Of those kept: words from the other side of the cut, which one chunk alone had heard."""
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Joined:
    """Words of all chunks as one list by time, evidence per seam and channel, and speech left without words."""

    words: tuple[Word, ...]
    seams: tuple[Seam, ...]
    wordless: tuple[Span, ...]
    """Speech in the overlaps of at least REDECODE_S that no word of any channel tells of."""


def join(chunks: Sequence[Chunk], words: Sequence[Sequence[Word]]) -> Joined:
    """Join the chunks' word lists, given in recording time and in the chunks' order. Takes time linear in words."""
    channels = sorted({w.channel for own in words for w in own}) or [0]
    speech = [_speech(left, right) for left, right in itertools.pairwise(chunks)]
    kept: list[Word] = []
    seams: list[Seam] = []
    for channel in channels:
        lists = [sorted((w for w in own if w.channel == channel), key=by_time) for own in words]
        joined, evidence = _join_channel(chunks, lists, speech, channel)
        kept += joined
        seams += evidence
    kept.sort(key=by_time)
    seams.sort(key=lambda s: (s.right, s.channel))
    return Joined(tuple(kept), tuple(seams), tuple(wordless(chunks, kept)))


def _join_channel(
    chunks: Sequence[Chunk], words: Sequence[Sequence[Word]], speech: Sequence[Sequence[Span]], channel: int
) -> tuple[list[Word], list[Seam]]:
    """`speech`: in and around each overlap."""
    done: list[Word] = []
    tail = list(words[0]) if words else []
    seams = []
    for i in range(1, len(chunks)):
        overlap = chunks[i - 1].span & chunks[i].span
        boundary_s = chunks[i].core.start_s
        # A word reaches into the overlap from at most a few seconds outside.
        first = bisect_left(tail, overlap.start_s - 3 * EDGE_S, key=lambda w: w.start_s)
        last = bisect_right(words[i], overlap.end_s + 3 * EDGE_S, key=lambda w: w.start_s)
        left, right = tail[first:], words[i][:last]
        if overlap:
            both = units(left, right)
            cut_s, way = find_cut(both, overlap, boundary_s)
            here, recovered = decided(both, cut_s, overlap, speech[i - 1])
        else:
            cut_s, way, here, recovered = boundary_s, "boundary", [*left, *right], 0
        heard = sum(w.middle_s in overlap for side in (left, right) for w in side)
        stayed = sum(w.middle_s in overlap for w in here)
        seams.append(Seam(chunks[i].index, cut_s, way, stayed, heard - stayed, recovered, channel))
        done += tail[:first]
        tail = [*_forwards(here), *words[i][last:]]
    return done + tail, seams


def _forwards(words: Sequence[Word]) -> Iterator[Word]:
    """`words` of one channel in their order: where the telling passes from one chunk to another, times are clamped so
    that the words don't overlap."""
    before: Word | None = None
    for word in words:
        if before is not None:
            if word.chunk != before.chunk and word.start_s < before.end_s:
                border = min(max((word.start_s + before.end_s) / 2, before.start_s), max(word.end_s, before.start_s))
                before = replace(before, end_s=border)
                word = replace(word, start_s=border, end_s=max(word.end_s, border))
            elif word.start_s < before.start_s:
                # The word before it, of the same chunk, has been moved past it.
                word = replace(word, start_s=before.start_s, end_s=max(word.end_s, before.start_s))
            yield before
        before = word
    if before is not None:
        yield before


def _speech(left: Chunk, right: Chunk) -> list[Span]:
    """What the speech map of both chunks says about their overlap, with a margin."""
    overlap = left.span & right.span
    return merge_spans(s.grow(SPEECH_MARGIN_S) for s in intersect([overlap], [*left.speech, *right.speech]))
