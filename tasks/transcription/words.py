"""Clean an engine's raw words: drop empty ones, fill in missing times, and make times monotonic and in range.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from tasks.intervals import Span, merge_spans
from tasks.text import is_control

MIN_WORD_S = 0.02
"""Shortest duration of a word, in seconds, where there is room for it."""

MAX_PAUSE_S = 0.25
"""Longest silence inside a word, in seconds."""

MIN_REST_S = 0.1
"""Seconds: where a word spans a pause, the part after it is taken as the word if it is at least this long."""

Raw = Mapping[str, Any]
"""{"start", "end": seconds or None, "word", "probability": 0–1 or None, "stretch": index, …} as engines give
it."""


@dataclass(frozen=True, slots=True)
class DecodedWord:
    """A word as decoded from samples; `task.py` makes a `Word` of the recording from it."""

    start_s: float
    end_s: float
    text: str
    confidence: float | None = None

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def clean_words(raw: Sequence[Raw], stretches: Sequence[Span], within: Span) -> list[DecodedWord]:
    """Convert raw words to `DecodedWord`s in the order of their stretches, each inside its stretch and `within`, with
    non-decreasing starts and ends."""
    out: list[DecodedWord] = []
    for index, stretch in enumerate(stretches):
        said = _attach_marks([w for w in raw if w["stretch"] == index])
        out += _make_monotonic(_fill_times(said, stretch & within), stretch & within)
    return out


def _attach_marks(raw: Sequence[Raw]) -> list[dict[str, Any]]:
    """Drop empty words; append punctuation that stands alone to the word before, or drop it."""
    out: list[dict[str, Any]] = []
    for given in raw:
        said = "".join(c for c in str(given["word"]) if c.isspace() or not is_control(c))
        text = " ".join(said.split())
        if any(c.isalnum() for c in text) or _is_symbol(text):
            out.append({**given, "word": text})
        elif text and out and text not in "-–—":
            out[-1]["word"] += text
    return out


def _is_symbol(text: str) -> bool:
    """Signs that are spoken: %, +, €, …"""
    return any(unicodedata.category(c)[0] == "S" for c in text)


def _fill_times(raw: list[dict[str, Any]], stretch: Span) -> list[dict[str, Any]]:
    """Give words without times equal shares of the gap between their neighbours."""
    i = 0
    while i < len(raw):
        if _has_times(raw[i]):
            i += 1
            continue
        j = i
        while j < len(raw) and not _has_times(raw[j]):
            j += 1
        left = max(stretch.start_s, raw[i - 1]["end"]) if i else stretch.start_s
        right = min(stretch.end_s, raw[j]["start"]) if j < len(raw) else stretch.end_s
        each = max(0.0, right - left) / (j - i)
        for k in range(i, j):
            raw[k] |= {"start": left + (k - i) * each, "end": left + (k - i + 1) * each}
        i = j
    return raw


def _has_times(word: Raw) -> bool:
    # A comparison with itself is false for NaN.
    return all(word[k] is not None and word[k] == word[k] for k in ("start", "end"))


def _make_monotonic(raw: list[dict[str, Any]], stretch: Span) -> list[DecodedWord]:
    out: list[DecodedWord] = []
    before = Span(stretch.start_s, stretch.start_s)
    for word in raw:
        start = min(max(word["start"], before.end_s), stretch.end_s)
        end = min(max(word["end"], start + MIN_WORD_S), stretch.end_s)
        # At the very end there is no room to the right: take it on the left, never before the word before.
        start = max(min(start, end - MIN_WORD_S), before.start_s)
        before = Span(start, end)
        out.append(DecodedWord(start, end, word["word"], _clamp_confidence(word.get("probability"))))
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
