"""An engine's words made fit to be records: no empty ones, times that exist, lie inside and run forwards.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.intervals import Span
from tasks.records import Word

LEAST_S = 0.02
"""A word lasts at least this long, where there is room for it."""

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
        text = "".join(c for c in " ".join(str(given["word"]).split()) if unicodedata.category(c) != "Cc")
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
    start = end = stretch.start_s
    for word in raw:
        start = min(max(word["start"], start), stretch.end_s)
        end = min(max(word["end"], start + LEAST_S, end), stretch.end_s)
        # At the very end there is no room to the right: take it on the left, never before the word before.
        start = max(min(start, end - LEAST_S), out[-1].start_s if out else stretch.start_s)
        out.append(Word(start, end, word["word"], _confidence(word.get("probability"))))
    return out


def _confidence(probability: float | None) -> float | None:
    if probability is None or probability != probability:
        return None
    return min(1.0, max(0.0, float(probability)))
