"""An engine's words made fit to be records: no empty ones, times that exist, lie inside and run forwards.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from tasks.intervals import Span, merge_spans
from tasks.records import Word

LEAST_S = 0.02
"""A word lasts at least this long, where there is room for it."""

PAUSE_S = 0.25
"""No word holds more silence than this."""

ENOUGH_S = 0.1
"""What is left of a word after a pause is the word, if it is this long."""

Raw = Mapping[str, Any]
"""{"start", "end": seconds or None, "word", "probability": 0–1 or None, "stretch": index, …} as engines give
it."""


def finished(raw: Sequence[Raw], stretches: Sequence[Span], within: Span) -> list[Word]:
    """Words in the order of their stretches, each inside its stretch and `within`, starts and ends never
    decreasing."""
    out: list[Word] = []
    for index, stretch in enumerate(stretches):
        said = _attached([w for w in raw if w["stretch"] == index])
        out += _in_order(_timed(said, stretch & within), stretch & within)
    return out


def _attached(raw: Sequence[Raw]) -> list[dict[str, Any]]:
    """Without empty words; marks that stand alone go to the end of the word before, or vanish."""
    out: list[dict[str, Any]] = []
    for given in raw:
        said = "".join(c for c in str(given["word"]) if c.isspace() or unicodedata.category(c) != "Cc")
        text = " ".join(said.split())
        if any(c.isalnum() for c in text) or _is_symbol(text):
            out.append({**given, "word": text})
        elif text and out and text not in "-–—":
            out[-1]["word"] += text
    return out


def _is_symbol(text: str) -> bool:
    """Signs that are spoken: %, +, €, …"""
    return any(unicodedata.category(c)[0] == "S" for c in text)


def _timed(raw: list[dict[str, Any]], stretch: Span) -> list[dict[str, Any]]:
    """Words without times share the room between their neighbours evenly."""
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


def _in_order(raw: list[dict[str, Any]], stretch: Span) -> list[Word]:
    out: list[Word] = []
    before = Span(stretch.start_s, stretch.start_s)
    for word in raw:
        start = min(max(word["start"], before.end_s), stretch.end_s)
        end = min(max(word["end"], start + LEAST_S), stretch.end_s)
        # At the very end there is no room to the right: take it on the left, never before the word before.
        start = max(min(start, end - LEAST_S), before.start_s)
        before = Span(start, end)
        out.append(Word(start, end, word["word"], _confidence(word.get("probability"))))
    return out


def trimmed(words: Sequence[Word], speech: Sequence[Span]) -> list[Word]:
    """Words without silence at their ends: attention often gives a word the pause before it.

    A word that spans a pause was said after it, if there is enough of it there. One that touches no speech, or
    that would become shorter than `LEAST_S`, stays as it is.
    """
    tidied = merge_spans(speech, gap_s=PAUSE_S)
    ends = [s.end_s for s in tidied]
    out: list[Word] = []
    for word in words:
        parts = []
        for span in islice(tidied, bisect_right(ends, word.start_s), None):
            if span.start_s >= word.end_s:
                break
            parts.append(span & word.span)
        best = max(parts, key=lambda s: (min(s.duration_s, ENOUGH_S), s.start_s), default=Span(0.0, 0.0))
        if best.duration_s >= LEAST_S:
            word = replace(word, start_s=best.start_s, end_s=best.end_s)
        if out and (word.start_s < out[-1].start_s or word.end_s < out[-1].end_s):
            start = max(word.start_s, out[-1].start_s)
            word = replace(word, start_s=start, end_s=max(word.end_s, out[-1].end_s))
        out.append(word)
    return out


def _confidence(probability: float | None) -> float | None:
    if probability is None or probability != probability:
        return None
    return min(1.0, max(0.0, float(probability)))
