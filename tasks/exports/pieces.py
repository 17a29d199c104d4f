"""The words of a segment as its text has them: with the blanks between them, or (Chinese) without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from tasks.exports.text import to_ms
from tasks.records import Segment, Word
from tasks.text import to_one_line


@dataclass(frozen=True, slots=True)
class Piece:
    """A word as written in the segment's text: `text` begins with the blank, if any, after the word before."""

    start_ms: int
    end_ms: int
    text: str


def align_words(segment: Segment, words: Sequence[Word], *, fast: bool = False) -> list[Piece]:
    """Align the words with the segment's text, which has blanks between them or (Chinese) has not.

    `fast`: the segment's time is shared out by length, whatever the words' own times are.
    """
    spoken = [(w, text) for w in words if (text := to_one_line(w.text))]
    whole = to_one_line(segment.text)
    if not spoken:
        return share_out(segment, [" " + part for part in whole.split()])
    pieces, at = [], 0
    for word, text in spoken:
        found = whole.find(text, at)
        if found < 0 or whole[at:found].strip():
            pieces = [Piece(to_ms(w.start_s), to_ms(w.end_s), " " * w.space_before + t) for w, t in spoken]
            break
        pieces.append(Piece(to_ms(word.start_s), to_ms(word.end_s), whole[at : found + len(text)]))
        at = found + len(text)
    return share_out(segment, [p.text for p in pieces]) if fast else pieces


def share_out(segment: Segment, texts: Sequence[str]) -> list[Piece]:
    """Time the parts of a segment in proportion to their length."""
    start_ms = to_ms(segment.start_s)
    return share_out_span(start_ms, to_ms(segment.end_s) - start_ms, texts)


def share_out_span(start_ms: int, length_ms: int, texts: Sequence[str]) -> list[Piece]:
    """Time the parts of a text in proportion to their length, without blanks at their ends.

    >>> [(p.start_ms, p.end_ms) for p in share_out_span(1000, 400, ["ab", " c", " d"])]
    [(1000, 1200), (1200, 1300), (1300, 1400)]
    """
    ends = list(accumulate(len(text.strip()) for text in texts))
    total = max(1, ends[-1]) if ends else 1
    return [
        Piece(start_ms + length_ms * begin // total, start_ms + length_ms * end // total, text)
        for begin, end, text in zip([0, *ends], ends, texts, strict=False)
    ]
