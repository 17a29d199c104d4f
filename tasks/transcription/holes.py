"""Find speech that got no words.

Pure. Batched decoding without time tokens is known to end a window early and to drop whole sentences
(SYSTRAN/faster-whisper #1179, #1427); the words around them keep their times, so the place shows as a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.intervals import Span, clip, merge_spans, subtract
from tasks.transcription.words import DecodedWord

MIN_HOLE_S = 1.0
"""Seconds of speech, breaths not counted, that are too long to hold no word."""
SLACK_S = 0.1
"""Seconds of speech beside a word that may still belong to it."""
LONGEST_WORD_S = 0.4
LONGEST_LETTER_S = 0.1
"""A word covers at most the last 0.4 s and 0.1 s for each of its characters before its end: to a word after dropped
speech, the recogniser's attention assigns that speech too."""


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
    covered = merge_spans(_cover(w) for w in words)
    out = []
    for room in subtract([within], covered):
        silent = clip(speech, room)
        if sum(s.duration_s for s in silent) >= least_s:
            out.append(Hole(tuple(silent), room))
    return out


def _cover(word: DecodedWord) -> Span:
    longest = LONGEST_WORD_S + LONGEST_LETTER_S * len(word.text)
    return Span(max(word.start_s, word.end_s - longest) - SLACK_S, word.end_s + SLACK_S)
