"""Split segments into readable subtitle cues, for SRT and VTT.

A cue holds at most two lines of some 42 columns and lasts at most 7 s, where words and their times allow; it begins
and ends with a word, preferably a sentence; cues of one speaker never overlap, cues of two may.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate

from tasks.exports.cue_timing import MAX_MS, Cue, time_cues
from tasks.exports.pieces import Piece, align_words
from tasks.exports.text import GAP, find_untranscribed, to_ms
from tasks.joining import is_unspaced
from tasks.records import Transcript, Word
from tasks.sentences import weigh_break

LINE_COLUMNS = 42
MIN_COLUMNS = 20
"""Columns that are left beside a long name."""
MAX_LINES = 2
PAUSE_MS = 1_500
"""Shortest pause within a segment that ends a cue: text should not appear long before it is spoken."""
MARK_COST = 0.1
"""Cost of a cue's end for each step of `weigh_break` that its mark lacks, beside its squared distance from even."""


def build_cues(transcript: Transcript, *, fast: bool = False) -> list[Cue]:
    """Build the cues of a canonical transcript, sorted by start, end, speaker; none for segments without text.

    `fast`: words are timed by their length within the segment."""
    words: dict[int, list[Word]] = {}
    for word in transcript.words:
        words.setdefault(word.segment, []).append(word)
    found = []
    for segment in transcript.segments:
        room = max(MIN_COLUMNS, LINE_COLUMNS - (len(segment.speaker) + 2 if segment.speaker else 0))
        pieces = align_words(segment, words.get(segment.index, []), fast=fast)
        for group in _split_into_cues(pieces, room):
            lines = _wrap_lines([p.text for p in group], room)
            found.append(Cue(group[0].start_ms, group[-1].end_ms, segment.speaker, lines))
    gaps = [to_ms(span.start_s) for span in find_untranscribed(transcript)]
    return time_cues(found, to_ms(transcript.recording.duration_s), gaps)


def build_cues_with_gaps(transcript: Transcript, *, fast: bool = False) -> tuple[Cue, ...]:
    """Build the cues, with one of the text `[…]` for each span that could not be transcribed."""
    gaps = [Cue(to_ms(g.start_s), to_ms(g.end_s), None, (GAP,)) for g in find_untranscribed(transcript)]
    found = build_cues(transcript, fast=fast) + gaps
    return tuple(sorted(found, key=lambda c: (c.start_ms, c.end_ms, c.speaker or "")))


def _split_into_cues(pieces: Sequence[Piece], room: int) -> Iterator[Sequence[Piece]]:
    """Yield each cue's pieces: no more cues than needed between two pauses, of like lengths, at the best marks."""
    first = 0
    while first < len(pieces):
        last = first
        while last + 1 < len(pieces) and pieces[last + 1].start_ms - pieces[last].end_ms <= PAUSE_MS:
            last += 1
        run = pieces[first : last + 1]
        ends = [_find_longest_cue(run, i, room) for i in range(len(run))]
        begin = 0
        for end in _choose_ends(run, ends):
            yield run[begin:end]
            begin = end
        first = last + 1


def _find_longest_cue(run: Sequence[Piece], first: int, room: int) -> int:
    """Find the end of the longest cue that begins with a piece and keeps the limits; a single piece always may."""
    lines, width = 0, 0
    for i in range(first, len(run)):
        text = run[i].text
        columns = count_columns(text)
        if lines and (width + columns <= (room if lines == 1 else LINE_COLUMNS) or not _may_begin_line(text)):
            width += columns
        else:
            lines, width = lines + 1, count_columns(text.strip())
        if i > first and (lines > MAX_LINES or run[i].end_ms - run[first].start_ms > MAX_MS):
            return i
    return len(run)


def _choose_ends(run: Sequence[Piece], longest: Sequence[int]) -> list[int]:
    """Choose the ends of a run's cues: as few cues as may be, then the least `_rate_cue` in all.

    All ends are chosen together, as Knuth and Plass (1981) choose the breaks of a paragraph."""
    if longest[0] == len(run):
        return [len(run)]
    sums = [0, *accumulate(len(piece.text) for piece in run)]
    count, end = 0, 0
    while end < len(run):
        count, end = count + 1, longest[end]
    even = sums[-1] / count
    best: list[tuple[int, float, int]] = [(0, 0.0, len(run))] * (len(run) + 1)
    for first in reversed(range(len(run))):
        best[first] = min(
            (best[end][0] + 1, best[end][1] + _rate_cue(run, end, (sums[end] - sums[first]) / even), end)
            for end in range(first + 1, longest[first] + 1)
        )
    ends = [best[0][2]]
    while ends[-1] < len(run):
        ends.append(best[ends[-1]][2])
    return ends


def _rate_cue(run: Sequence[Piece], end: int, fill: float) -> float:
    """How far a cue is from the best: `fill` is its length over that of even cues; less after a mark."""
    mark = 3 if end == len(run) else weigh_break(run[end - 1].text)
    return (fill - 1) ** 2 + (3 - mark) * MARK_COST


def _wrap_lines(parts: Sequence[str], room: int) -> tuple[str, ...]:
    """Wrap into lines of at most LINE_COLUMNS, the first of at most `room`, at blanks and before wide characters;
    longer parts are lines of their own."""
    lines: list[str] = []
    for part in parts:
        limit = room if len(lines) <= 1 else LINE_COLUMNS
        if lines and (count_columns(lines[-1]) + count_columns(part) <= limit or not _may_begin_line(part)):
            lines[-1] += part
        else:
            lines.append(part.strip())
    return tuple(lines)


def _may_begin_line(part: str) -> bool:
    return part[0] == " " or unicodedata.east_asian_width(part[0]) in "WF" or is_unspaced(part[0])


def count_columns(text: str) -> int:
    """Count the columns of a text: two for a wide East Asian character, none for a combining mark.

    >>> count_columns("naïve"), count_columns("日本"), count_columns("e\\u0301")
    (5, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
