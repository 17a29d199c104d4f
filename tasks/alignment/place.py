"""Place words in their stretch: times that are missing are shared out, and all made monotonic and in range. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.alignment.share import share_time
from tasks.intervals import Span
from tasks.records import WordTimes

MIN_WORD_S = 0.02
"""Shortest duration of a word, in seconds, where there is room for it."""

Times = tuple[float | None, float | None]
"""Start and end of a word in seconds; None where they are not known."""


def place_words(
    times: Sequence[Times], texts: Sequence[str], stretch: Span, way: WordTimes, speech: Sequence[Span] = ()
) -> list[tuple[Span, WordTimes]]:
    """Span of each word of `texts` inside `stretch`, with non-decreasing starts and ends, and how it was found.

    `times` were found in this `way`; words without share the `speech` (or all) between their neighbours by their
    length (fast).
    """
    filled = _fill_times(times, texts, stretch, way, speech)
    return list(zip(_make_monotonic([span for span, _ in filled], stretch), [way for _, way in filled], strict=True))


def _fill_times(
    times: Sequence[Times], texts: Sequence[str], stretch: Span, way: WordTimes, speech: Sequence[Span]
) -> list[tuple[Span, WordTimes]]:
    out: list[tuple[Span, WordTimes]] = []
    left = stretch.start_s
    while len(out) < len(times):
        i = j = len(out)
        while j < len(times) and None in times[j]:
            j += 1
        if j > i:
            next_s = times[j][0] if j < len(times) else None
            right = stretch.end_s if next_s is None else min(stretch.end_s, next_s)
            out += [(share, "fast") for share in share_time(Span(left, right), texts[i:j], speech)]
        if j < len(times):
            known = Span(times[j][0] or 0.0, times[j][1] or 0.0)
            out.append((known, way))
            left = max(stretch.start_s, known.end_s)
    return out


def _make_monotonic(spans: Sequence[Span], stretch: Span) -> list[Span]:
    out: list[Span] = []
    before = Span(stretch.start_s, stretch.start_s)
    for given in spans:
        start = min(max(given.start_s, before.end_s), stretch.end_s)
        end = min(max(given.end_s, start + MIN_WORD_S), stretch.end_s)
        # At the very end there is no room to the right: take it on the left, never before the word before.
        before = Span(max(min(start, end - MIN_WORD_S), before.start_s), end)
        out.append(before)
    return out
