"""Make words of an engine's pieces: assemble them, and place them in their stretch.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from tasks.alignment.place import MIN_WORD_S, place_words
from tasks.engines.protocols import RawWord
from tasks.intervals import Span, merge_spans
from tasks.records import WordTimes
from tasks.transcription.assembly import assemble_words

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


def clean_words(
    raw: Sequence[RawWord], stretches: Sequence[Span], within: Span, speech: Sequence[Span] = ()
) -> list[DecodedWord]:
    """Convert raw words to `DecodedWord`s in the order of their stretches, each inside its stretch and `within`, with
    non-decreasing starts and ends. Words without times share the `speech` between others, or all of the stretch."""
    out: list[DecodedWord] = []
    for index, stretch in enumerate(stretches):
        said = assemble_words([w for w in raw if w["stretch"] == index])
        placed = place_words([w.times for w in said], [w.text for w in said], stretch & within, "engine", speech)
        for word, (span, times) in zip(said, placed, strict=True):
            sure = _clamp_confidence(word.confidence)
            out.append(DecodedWord(span.start_s, span.end_s, word.text, sure, word.space_before, times))
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
