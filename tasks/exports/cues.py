"""Split segments into readable subtitle cues, for SRT and VTT.

A cue holds at most two lines of some 42 columns and lasts at most 7 s, where words and their times allow; it begins
and ends with a word, preferably a sentence; cues of one speaker never overlap, cues of two may.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tasks.canonical import cache_last
from tasks.exports.text import GAP, find_untranscribed, to_ms
from tasks.records import Segment, Transcript, Word
from tasks.sentences import BREAK_WEIGHTS
from tasks.text import to_one_line

LINE_COLUMNS = 42
MIN_COLUMNS = 20
"""Columns that are left beside a long name."""
MAX_LINES = 2
MAX_MS = 7_000
MIN_MS = 700
"""Shortest display time, if the speaker's next cue and the recording's end allow it."""
PAUSE_MS = 1_500
"""Shortest pause within a segment that ends a cue: text should not appear long before it is spoken."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Whole milliseconds, start_ms < end_ms; `lines` are clean text, without the speaker."""

    start_ms: int
    end_ms: int
    speaker: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word as written in the segment's text: `text` begins with the blank, if any, after the word before."""

    start_ms: int
    end_ms: int
    text: str


def build_cues(transcript: Transcript) -> list[Cue]:
    """Build the cues of a canonical transcript, sorted by start, end, speaker; none for segments without text."""
    words: dict[int, list[Word]] = {}
    for word in transcript.words:
        words.setdefault(word.segment, []).append(word)
    found = []
    for segment in transcript.segments:
        room = max(MIN_COLUMNS, LINE_COLUMNS - (len(segment.speaker) + 2 if segment.speaker else 0))
        pieces = _align_words(segment, words.get(segment.index, []))
        for group in _split_into_cues(pieces, room):
            lines = _wrap_lines([p.text for p in group], room)
            found.append(Cue(group[0].start_ms, group[-1].end_ms, segment.speaker, lines))
    return _separate_cues(found, to_ms(transcript.recording.duration_s))


@cache_last
def build_cues_with_gaps(transcript: Transcript) -> tuple[Cue, ...]:
    """Build the cues, with one of the text `[…]` for each span that could not be transcribed."""
    gaps = [Cue(to_ms(g.start_s), to_ms(g.end_s), None, (GAP,)) for g in find_untranscribed(transcript)]
    return tuple(sorted(build_cues(transcript) + gaps, key=lambda c: (c.start_ms, c.end_ms, c.speaker or "")))


def _align_words(segment: Segment, words: Sequence[Word]) -> list[_Piece]:
    """Align the words with the segment's text, which has blanks between them or (Chinese) has not."""
    spoken = [(w, text) for w in words if (text := to_one_line(w.text))]
    whole = to_one_line(segment.text)
    if not spoken:
        return _time_evenly(segment, whole)
    pieces, at = [], 0
    for word, text in spoken:
        found = whole.find(text, at)
        if found < 0 or whole[at:found].strip():
            pieces = [_Piece(to_ms(w.start_s), to_ms(w.end_s), " " + t) for w, t in spoken]
            break
        pieces.append(_Piece(to_ms(word.start_s), to_ms(word.end_s), whole[at : found + len(text)]))
        at = found + len(text)
    return pieces


def _time_evenly(segment: Segment, text: str) -> list[_Piece]:
    """Time the parts of a segment without words in proportion to their length."""
    parts, at, pieces = text.split(), 0, []
    start, length = to_ms(segment.start_s), to_ms(segment.end_s) - to_ms(segment.start_s)
    total = sum(len(p) for p in parts)
    for part in parts:
        until = at + len(part)
        pieces.append(_Piece(start + length * at // total, start + length * until // total, " " + part))
        at = until
    return pieces


def _split_into_cues(pieces: Sequence[_Piece], room: int) -> Iterator[Sequence[_Piece]]:
    """Yield the pieces of each cue, as many as fit; a cue that must end early ends at the best mark."""
    first = 0
    while first < len(pieces):
        last, parts = first, [pieces[first].text]
        while last + 1 < len(pieces):
            following = pieces[last + 1]
            parts.append(following.text)
            if (
                len(_wrap_lines(parts, room)) > MAX_LINES
                or following.end_ms - pieces[first].start_ms > MAX_MS
                or following.start_ms - pieces[last].end_ms > PAUSE_MS
            ):
                break
            last += 1
        else:
            yield pieces[first:]
            return
        if pieces[last + 1].start_ms - pieces[last].end_ms <= PAUSE_MS:
            # A break before the last third would make the cue too short.
            candidates = range(first + 2 * (last - first) // 3, last + 1)
            last = max(candidates, key=lambda i: (BREAK_WEIGHTS.get(pieces[i].text[-1:], 0), i))
        yield pieces[first : last + 1]
        first = last + 1


def _wrap_lines(parts: Sequence[str], room: int) -> tuple[str, ...]:
    """Wrap into lines of at most LINE_COLUMNS, the first of at most `room`, at blanks and before wide characters;
    longer parts are lines of their own."""
    lines: list[str] = []
    for part in parts:
        limit = room if len(lines) <= 1 else LINE_COLUMNS
        may_break = part[0] == " " or unicodedata.east_asian_width(part[0]) in "WF"
        if lines and (count_columns(lines[-1]) + count_columns(part) <= limit or not may_break):
            lines[-1] += part
        else:
            lines.append(part.strip())
    return tuple(lines)


def count_columns(text: str) -> int:
    """Count the columns of a text: two for a wide East Asian character, none for a combining mark.

    >>> count_columns("naïve"), count_columns("日本"), count_columns("e\\u0301")
    (5, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _separate_cues(found: Sequence[Cue], end_ms: int) -> list[Cue]:
    """Remove overlaps between cues of one speaker; return cues of 1 to MAX_MS milliseconds."""

    def by_speaker(cue: Cue) -> str:
        return cue.speaker or ""

    out: list[Cue] = []
    for _, group in groupby(sorted(found, key=by_speaker), key=by_speaker):
        mine: list[Cue] = []
        for cue in sorted(group, key=lambda c: (c.start_ms, c.end_ms)):
            start = cue.start_ms
            if mine and mine[-1].end_ms > start:
                start = max(start, mine[-1].start_ms + 1)
                mine[-1] = replace(mine[-1], end_ms=start)
            mine.append(replace(cue, start_ms=start, end_ms=min(max(cue.end_ms, start + 1), start + MAX_MS)))
        for i, cue in enumerate(mine):
            until = mine[i + 1].start_ms if i + 1 < len(mine) else end_ms
            longer = min(max(cue.end_ms, cue.start_ms + MIN_MS), max(cue.end_ms, until))
            out.append(replace(cue, end_ms=longer))
    return sorted(out, key=lambda c: (c.start_ms, c.end_ms, c.speaker or ""))
