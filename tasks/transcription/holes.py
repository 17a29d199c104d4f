"""Find speech that got no words.

Pure. Batched decoding without time tokens is known to end a window early and to drop whole sentences
(SYSTRAN/faster-whisper #1179, #1427); the words around them keep their times, so the place shows as a hole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.intervals import Span, clip, merge_spans, subtract
from tasks.transcription.words import DecodedWord
from tasks.word_forms import to_repetition_form

MIN_HOLE_S = 1.0
"""Seconds of speech, breaths not counted, that are too long to hold no word."""
SLACK_S = 0.1
"""Seconds of speech beside a word that may still belong to it."""
LONGEST_WORD_S = 0.4
LONGEST_LETTER_S = 0.1
LONGEST_DIGIT_S = 0.5
"""A word covers at most the last 0.4 s before its end, and 0.5 s more for each character that is said as a word
("$1,250"), 0.1 s for each other: the recogniser's attention assigns dropped speech to the word after it."""
SAID_AS_WORDS = frozenset("%&@#§")
"""Characters besides digits and symbols of money and arithmetic."""


@dataclass(frozen=True, slots=True)
class Hole:
    """`speech` without a word, over breaths; `room`: the time between the neighbouring words."""

    speech: tuple[Span, ...]
    room: Span

    @property
    def speech_s(self) -> float:
        return sum(s.duration_s for s in self.speech)


def find_holes(
    words: Sequence[DecodedWord], speech: Sequence[Span], within: Span, least_s: float = MIN_HOLE_S
) -> list[Hole]:
    """Find the places between two neighbouring words, or a word and an end of `within`, that hold at least `least_s`
    seconds of speech.

    >>> said = [DecodedWord(31.5, 31.83, "home"), DecodedWord(36.75, 37.1, "then")]
    >>> [hole.speech for hole in find_holes(said, [Span(32.37, 33.30), Span(33.68, 35.19)], Span(0, 40))]
    [(Span(start_s=32.37, end_s=33.3), Span(start_s=33.68, end_s=35.19))]
    """
    covered = merge_spans(find_cover(w) for w in words)
    out = []
    for room in subtract([within], covered):
        silent = clip(speech, room)
        if sum(s.duration_s for s in silent) >= least_s:
            out.append(Hole(tuple(silent), room))
    return out


def find_cover(word: DecodedWord) -> Span:
    """Find the time that a word may cover, of all the time that the recogniser gave it."""
    longest = LONGEST_WORD_S + sum(LONGEST_DIGIT_S if _is_said_as_word(c) else LONGEST_LETTER_S for c in word.text)
    return Span(max(word.start_s, word.end_s - longest) - SLACK_S, word.end_s + SLACK_S)


def fill(words: Sequence[DecodedWord], found: Sequence[DecodedWord]) -> list[DecodedWord]:
    """Add words found in holes, in order of time, but for those where a known word is, or is the same in all the time
    that it was given. A known word that was given the time of words found begins where its cover does.

    >>> known = [DecodedWord(10.9, 11.2, "and"), DecodedWord(12.0, 16.4, "he")]
    >>> found = [DecodedWord(12.1, 12.3, "let"), DecodedWord(16.0, 16.3, "us")]
    >>> [(w.text, round(w.start_s, 1)) for w in fill(known, found)]
    [('and', 10.9), ('let', 12.1), ('he', 15.8)]
    """
    covers = [find_cover(w) for w in words]
    more = [w for w in found if not any(_is_of(w, *known) for known in zip(words, covers, strict=True))]
    kept = [
        replace(w, start_s=max(w.start_s, cover.start_s + SLACK_S)) if any(m.middle_s in w.span for m in more) else w
        for w, cover in zip(words, covers, strict=True)
    ]
    return sorted([*kept, *more], key=lambda w: (w.start_s, w.end_s))


def _is_of(word: DecodedWord, known: DecodedWord, cover: Span) -> bool:
    same = word.middle_s in known.span and to_repetition_form(word.text) == to_repetition_form(known.text)
    return same or word.middle_s in cover


def _is_said_as_word(character: str) -> bool:
    return character in SAID_AS_WORDS or unicodedata.category(character) in ("Nd", "Nl", "No", "Sc", "Sm")
