"""Join the words of consecutive chunks at their seams.

Both chunks transcribe the overlap: before the cut the left chunk's words are kept, after it the right chunk's (see
`cut`), so that no word is lost or doubled. Word times may be clamped at a seam; speech is never deleted. Each channel
is joined by itself.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasks.intervals import Span, intersect, merge_spans
from tasks.merging.alignment import align_words
from tasks.merging.cut import EDGE_S, find_cut, select_words
from tasks.merging.untranscribed import find_untranscribed, time_key
from tasks.records import Chunk, Word

SPEECH_MARGIN_S = 0.3
"""Spans of the speech map are extended by this on each side, in seconds: word times are not exact."""


@dataclass(frozen=True, slots=True)
class Seam:
    """The seam before chunk `right` on one channel: its cut, and how many words of the overlap were kept."""

    right: int
    cut_s: float
    way: str
    """How the cut was chosen: gap, agreed or boundary."""
    kept: int
    dropped: int
    """Words of either chunk in the overlap that were not kept: about half, as both transcribe it."""
    recovered: int = 0
    """Of those kept: words of the chunk across the cut."""
    channel: int = 0


@dataclass(frozen=True, slots=True)
class JoinedWords:
    """The words of all chunks in order of time, the seams by chunk and channel, and the untranscribed speech."""

    words: tuple[Word, ...]
    seams: tuple[Seam, ...]
    untranscribed: tuple[Span, ...]
    """Speech in the overlaps, longer than REDECODE_S, that has no word on any channel."""


def join(chunks: Sequence[Chunk], words: Sequence[Sequence[Word]]) -> JoinedWords:
    """Join the chunks' word lists, in recording time and in the order of `chunks`. Linear in the number of words."""
    channels = sorted({w.channel for own in words for w in own}) or [0]
    speech = [_find_overlap_speech(left, right) for left, right in itertools.pairwise(chunks)]
    kept: list[Word] = []
    seams: list[Seam] = []
    for channel in channels:
        lists = [sorted((w for w in own if w.channel == channel), key=time_key) for own in words]
        joined, evidence = _join_channel(chunks, lists, speech, channel)
        kept += joined
        seams += evidence
    kept.sort(key=time_key)
    seams.sort(key=lambda s: (s.right, s.channel))
    return JoinedWords(tuple(kept), tuple(seams), tuple(find_untranscribed(chunks, kept)))


def _join_channel(
    chunks: Sequence[Chunk], words: Sequence[Sequence[Word]], speech: Sequence[Sequence[Span]], channel: int
) -> tuple[list[Word], list[Seam]]:
    """Join the words of one channel. `speech`: by overlap, its speech spans with SPEECH_MARGIN_S."""
    done: list[Word] = []
    tail = list(words[0]) if words else []
    seams = []
    for i in range(1, len(chunks)):
        overlap = chunks[i - 1].span & chunks[i].span
        boundary_s = chunks[i].core.start_s
        # Words that start up to 3 s outside the overlap may reach into it.
        first = bisect_left(tail, overlap.start_s - 3 * EDGE_S, key=lambda w: w.start_s)
        last = bisect_right(words[i], overlap.end_s + 3 * EDGE_S, key=lambda w: w.start_s)
        left, right = tail[first:], words[i][:last]
        if overlap:
            units = align_words(left, right)
            cut_s, way = find_cut(units, overlap, boundary_s)
            selected, recovered = select_words(units, cut_s, overlap, speech[i - 1])
        else:
            cut_s, way, selected, recovered = boundary_s, "boundary", [*left, *right], 0
        num_words = sum(w.middle_s in overlap for side in (left, right) for w in side)
        num_kept = sum(w.middle_s in overlap for w in selected)
        seams.append(Seam(chunks[i].index, cut_s, way, num_kept, num_words - num_kept, recovered, channel))
        done += tail[:first]
        tail = [*_clamp_times(selected), *words[i][last:]]
    return done + tail, seams


def _clamp_times(words: Sequence[Word]) -> Iterator[Word]:
    """Clamp the times of one channel's words so that words of different chunks don't overlap and starts ascend."""
    previous: Word | None = None
    for word in words:
        if previous is not None:
            if word.chunk != previous.chunk and word.start_s < previous.end_s:
                border = min(
                    max((word.start_s + previous.end_s) / 2, previous.start_s), max(word.end_s, previous.start_s)
                )
                previous = replace(previous, end_s=border)
                word = replace(word, start_s=border, end_s=max(word.end_s, border))
            elif word.start_s < previous.start_s:
                # The previous word, of the same chunk, has been moved past this one.
                word = replace(word, start_s=previous.start_s, end_s=max(word.end_s, previous.start_s))
            yield previous
        previous = word
    if previous is not None:
        yield previous


def _find_overlap_speech(left: Chunk, right: Chunk) -> list[Span]:
    """Find the speech of both chunks in their overlap, extended by SPEECH_MARGIN_S."""
    overlap = left.span & right.span
    return merge_spans(s.grow(SPEECH_MARGIN_S) for s in intersect([overlap], [*left.speech, *right.speech]))
