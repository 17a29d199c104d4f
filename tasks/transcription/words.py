"""Make words of an engine's pieces: assemble them, fill in missing times, and make times monotonic and in range.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from tasks.alignment.share import share_time
from tasks.engines.protocols import RawWord
from tasks.intervals import Span, merge_spans
from tasks.records import WordTimes
from tasks.transcription.pieces import AssembledWord, assemble_words

MIN_WORD_S = 0.02
"""Shortest duration of a word, in seconds, where there is room for it."""

MAX_PAUSE_S = 0.25
"""Longest silence inside a word, in seconds."""

MIN_REST_S = 0.1
"""Seconds: where a word spans a pause, the part after it is taken as the word if it is at least this long."""


@dataclass(frozen=True, slots=True)
class DecodedWord:
    """A word as decoded from samples; `task.py` makes a `Word` of the recording from it."""

    start_s: float
    end_s: float
    text: str
    confidence: float | None = None
    space_before: bool = True
    """Whether a blank stands before it in running text."""
    times: WordTimes = "engine"

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def clean_words(raw: Sequence[RawWord], stretches: Sequence[Span], within: Span) -> list[DecodedWord]:
    """Convert raw words to `DecodedWord`s in the order of their stretches, each inside its stretch and `within`, with
    non-decreasing starts and ends."""
    out: list[DecodedWord] = []
    for index, stretch in enumerate(stretches):
        said = [_Untimed(w, *w.times) for w in assemble_words([w for w in raw if w["stretch"] == index])]
        _fill_times(said, stretch & within)
        out += _make_monotonic(said, stretch & within)
    return out


@dataclass(slots=True)
class _Untimed:
    """A word with the times that the engine gave it."""

    word: AssembledWord
    start_s: float | None
    end_s: float | None
    times: WordTimes = "engine"


def _fill_times(said: Sequence[_Untimed], stretch: Span) -> None:
    """Share the gap between their neighbours out over words without times, by their length."""
    left, i = stretch.start_s, 0
    while i < len(said):
        j = i
        while j < len(said) and (said[j].start_s is None or said[j].end_s is None):
            j += 1
        if j > i:
            right = said[j].start_s if j < len(said) else None
            right = stretch.end_s if right is None else min(stretch.end_s, right)
            shares = share_time(Span(left, right), [w.word.text for w in said[i:j]])
            for untimed, share in zip(said[i:j], shares, strict=True):
                untimed.start_s, untimed.end_s, untimed.times = share.start_s, share.end_s, "fast"
        if j < len(said):
            left = max(stretch.start_s, said[j].end_s or 0.0)
        i = j + 1


def _make_monotonic(said: Sequence[_Untimed], stretch: Span) -> list[DecodedWord]:
    out: list[DecodedWord] = []
    before = Span(stretch.start_s, stretch.start_s)
    for given in said:
        start = min(max(given.start_s or 0.0, before.end_s), stretch.end_s)
        end = min(max(given.end_s or 0.0, start + MIN_WORD_S), stretch.end_s)
        # At the very end there is no room to the right: take it on the left, never before the word before.
        start = max(min(start, end - MIN_WORD_S), before.start_s)
        before = Span(start, end)
        word = given.word
        sure = _clamp_confidence(word.confidence)
        out.append(DecodedWord(start, end, word.text, sure, word.space_before, given.times))
    return out


def trim_words(words: Sequence[DecodedWord], speech: Sequence[Span]) -> list[DecodedWord]:
    """Cut silence off the ends of words: Whisper's attention often assigns a word the pause before it.

    A word that spans a pause keeps the part after it, if that is at least `MIN_REST_S` long. A word that overlaps no
    speech, or would become shorter than `MIN_WORD_S`, is left unchanged.
    """
    tidied = merge_spans(speech, gap_s=MAX_PAUSE_S)
    ends = [s.end_s for s in tidied]
    out: list[DecodedWord] = []
    for word in words:
        parts = []
        for span in islice(tidied, bisect_right(ends, word.start_s), None):
            if span.start_s >= word.end_s:
                break
            parts.append(span & word.span)
        best = max(parts, key=lambda s: (min(s.duration_s, MIN_REST_S), s.start_s), default=Span(0.0, 0.0))
        if best.duration_s >= MIN_WORD_S:
            word = replace(word, start_s=best.start_s, end_s=best.end_s)
        if out and (word.start_s < out[-1].start_s or word.end_s < out[-1].end_s):
            start = max(word.start_s, out[-1].start_s)
            word = replace(word, start_s=start, end_s=max(word.end_s, out[-1].end_s))
        out.append(word)
    return out


def _clamp_confidence(probability: float | None) -> float | None:
    if probability is None or probability != probability:
        return None
    return min(1.0, max(0.0, float(probability)))
