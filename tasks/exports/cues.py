"""Segments cut into cues that one can read: the common ground of SRT and VTT.

A cue holds at most two lines of some 42 columns and lasts at most 7 s, where words and their times allow; it begins
and ends with a word, preferably a sentence; cues of one speaker never overlap, cues of two may.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tasks.canonical import cache_last
from tasks.exports.text import GAP, missing, ms, one_line
from tasks.records import Segment, Transcript, Word

LINE_COLUMNS = 42
LEAST_COLUMNS = 20
"""Beside a long name."""
MAX_LINES = 2
MAX_MS = 7_000
MIN_MS = 700
"""A cue is shown so long, if the speaker's next one and the recording's end leave the time."""
PAUSE_MS = 1_500
"""A pause within a segment that ends the cue: text should not appear long before it is spoken."""

_WEIGHTS = {".": 3, "!": 3, "?": 3, "…": 3, "。": 3, "？": 3, "！": 3, ",": 2, ";": 2, ":": 2, "、": 2, "，": 2}


@dataclass(frozen=True, slots=True)
class Cue:
    """Whole milliseconds, start_ms < end_ms; `lines` are clean text, without the speaker."""

    start_ms: int
    end_ms: int
    speaker: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word as it stands in the segment's text: `text` with the blank, if any, that parts it from the one before."""

    start_ms: int
    end_ms: int
    text: str


def cues(transcript: Transcript) -> list[Cue]:
    """The cues of a tidy transcript in the order of start, end, speaker. Segments without visible text give none."""
    words: dict[int, list[Word]] = {}
    for word in transcript.words:
        words.setdefault(word.segment, []).append(word)
    found = []
    for segment in transcript.segments:
        room = max(LEAST_COLUMNS, LINE_COLUMNS - (len(segment.speaker) + 2 if segment.speaker else 0))
        pieces = _pieces(segment, words.get(segment.index, []))
        for group in _split(pieces, room):
            lines = _wrap([p.text for p in group], room)
            found.append(Cue(group[0].start_ms, group[-1].end_ms, segment.speaker, lines))
    return _apart(found, ms(transcript.recording.duration_s))


@cache_last
def with_gaps(transcript: Transcript) -> tuple[Cue, ...]:
    """The cues, and one that says `[…]` for as long as nothing could be transcribed."""
    gaps = [Cue(ms(g.start_s), ms(g.end_s), None, (GAP,)) for g in missing(transcript)]
    return tuple(sorted(cues(transcript) + gaps, key=lambda c: (c.start_ms, c.end_ms, c.speaker or "")))


def _pieces(segment: Segment, words: Sequence[Word]) -> list[_Piece]:
    """The words with the blanks that the segment's text has (or hasn't: Chinese) between them."""
    spoken = [(w, text) for w in words if (text := one_line(w.text))]
    whole = one_line(segment.text)
    if not spoken:
        return _timed_evenly(segment, whole)
    pieces, at = [], 0
    for word, text in spoken:
        found = whole.find(text, at)
        if found < 0 or whole[at:found].strip():
            pieces = [_Piece(ms(w.start_s), ms(w.end_s), " " + t) for w, t in spoken]
            break
        pieces.append(_Piece(ms(word.start_s), ms(word.end_s), whole[at : found + len(text)]))
        at = found + len(text)
    return pieces


def _timed_evenly(segment: Segment, text: str) -> list[_Piece]:
    """A segment without words of its own: its text's parts get time by their length."""
    parts, at, pieces = text.split(), 0, []
    start, length = ms(segment.start_s), ms(segment.end_s) - ms(segment.start_s)
    total = sum(len(p) for p in parts)
    for part in parts:
        until = at + len(part)
        pieces.append(_Piece(start + length * at // total, start + length * until // total, " " + part))
        at = until
    return pieces


def _split(pieces: Sequence[_Piece], room: int) -> Iterator[Sequence[_Piece]]:
    """Groups of pieces, as many in each as fit; where a group must end early it ends where it reads best."""
    first = 0
    while first < len(pieces):
        last, parts = first, [pieces[first].text]
        while last + 1 < len(pieces):
            following = pieces[last + 1]
            parts.append(following.text)
            if (
                len(_wrap(parts, room)) > MAX_LINES
                or following.end_ms - pieces[first].start_ms > MAX_MS
                or following.start_ms - pieces[last].end_ms > PAUSE_MS
            ):
                break
            last += 1
        else:
            yield pieces[first:]
            return
        if pieces[last + 1].start_ms - pieces[last].end_ms <= PAUSE_MS:
            # Punctuation before the last third of a cue would make it a stub.
            candidates = range(first + 2 * (last - first) // 3, last + 1)
            last = max(candidates, key=lambda i: (_WEIGHTS.get(pieces[i].text[-1:], 0), i))
        yield pieces[first : last + 1]
        first = last + 1


def _wrap(parts: Sequence[str], room: int) -> tuple[str, ...]:
    """Lines of at most LINE_COLUMNS, the first of at most `room`, broken at blanks and before wide characters; what
    is longer stands alone."""
    lines: list[str] = []
    for part in parts:
        limit = room if len(lines) <= 1 else LINE_COLUMNS
        may_break = part[0] == " " or unicodedata.east_asian_width(part[0]) in "WF"
        if lines and (columns(lines[-1]) + columns(part) <= limit or not may_break):
            lines[-1] += part
        else:
            lines.append(part.strip())
    return tuple(lines)


def columns(text: str) -> int:
    """Columns that a text takes: two for a wide character of East Asia, none for a mark on another.

    >>> columns("naïve"), columns("日本"), columns("e\\u0301")
    (5, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _apart(found: Sequence[Cue], end_ms: int) -> list[Cue]:
    """Cues of at least 1 and at most MAX_MS milliseconds, those of one speaker one after the other."""

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
