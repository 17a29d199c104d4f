"""Group spans of speech into stretches that fit one window of a recogniser.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, clip, merge_spans
from tasks.records import SAMPLE_RATE_HZ

JOIN_GAP_S = 1.0
"""Speech this close together is decoded together: a recogniser does better with context, and a window costs
the same full or half empty. Longer silences invite it to invent text."""
PAD_S = 0.2
"""Silence left around a stretch: a speech map often starts a moment late."""
GRID_S = 0.01
"""A recogniser's spectrogram has a frame every 10 ms; stretches begin and end on frames."""

Cut = Callable[[Span], float]
"""Chooses the time (seconds) within a span at which to cut speech without a pause."""


def split_into_stretches(
    speech: Sequence[Span],
    within: Span,
    max_s: float,
    *,
    join_gap_s: float = JOIN_GAP_S,
    pad_s: float = PAD_S,
    cut: Cut | None = None,
) -> list[Span]:
    """Split `speech`, clipped to `within`, into stretches that cover it, of at most `max_s` seconds, without overlap.

    Spans at most `join_gap_s` apart are joined; what gets too long is divided at the largest pause of its
    later half, and speech without a pause at `cut` (default: even pieces).

    >>> split_into_stretches([Span(1, 4), Span(4.5, 9), Span(20, 21)], Span(0, 30), max_s=28, pad_s=0)
    [Span(start_s=1.0, end_s=9.0), Span(start_s=20.0, end_s=21.0)]
    """
    pad_s = min(pad_s, max_s / 8)
    room = max_s - 2 * pad_s - 2 * GRID_S
    pieces = [p for s in clip(speech, within) for p in _divide(s, room, cut)]
    grouped: list[Span] = []
    group: list[Span] = []
    for piece in pieces:
        if group and piece.start_s - group[-1].end_s > join_gap_s:
            grouped += _pack(group, room)
            group = []
        group.append(piece)
    grouped += _pack(group, room)
    return _pad(grouped, within, pad_s)


def _divide(span: Span, room: float, cut: Cut | None) -> list[Span]:
    """Cut a span of speech into pieces of at most `room` seconds."""
    if span.duration_s <= room:
        return [span]
    count = math.ceil(span.duration_s / room)
    even = span.duration_s / count
    # Leave every cut some play around its even place, as far as the pieces may still get longer.
    play = min(even / 4, room - even) if cut else 0.0
    at = span.start_s + even
    if cut and play > 0.05:
        at = min(max(cut(Span(at - play, at + play)), at - play), at + play)
    return [Span(span.start_s, at), *_divide(Span(at, span.end_s), room, cut)]


def _pack(group: list[Span], room: float) -> list[Span]:
    """Join neighbouring pieces while they fit `room`, and part them at the largest pause of the later half."""
    out: list[Span] = []
    while group:
        fit = 1
        while fit < len(group) and group[fit].end_s - group[0].start_s <= room:
            fit += 1
        if fit < len(group):
            half = group[0].start_s + (group[fit - 1].end_s - group[0].start_s) / 2
            later = [i for i in range(1, fit + 1) if group[i - 1].end_s >= half]
            fit = max(later, key=lambda i: (group[i].start_s - group[i - 1].end_s, i))
        out.append(Span(group[0].start_s, group[fit - 1].end_s))
        group = group[fit:]
    return out


def _pad(spans: list[Span], within: Span, pad_s: float) -> list[Span]:
    """Grow each span by up to `pad_s`, at most halfway to its neighbour, and round it outward to the grid."""
    out = []
    for i, span in enumerate(spans):
        left = (spans[i - 1].end_s + span.start_s) / 2 if i else within.start_s
        right = (span.end_s + spans[i + 1].start_s) / 2 if i + 1 < len(spans) else within.end_s
        start = max(left, _floor(max(left, span.start_s - pad_s)))
        end = min(right, _ceil(min(right, span.end_s + pad_s)))
        out.append(Span(start, end))
    return out


def _floor(seconds: float) -> float:
    return round(math.floor(seconds / GRID_S + 1e-6) * GRID_S, 6)


def _ceil(seconds: float) -> float:
    return round(math.ceil(seconds / GRID_S - 1e-6) * GRID_S, 6)


def cut_at_quietest(samples: NDArray[np.float32], sample_rate: int = SAMPLE_RATE_HZ, frame_s: float = 0.05) -> Cut:
    """Make a `Cut` at the frame of lowest energy (50 ms by default) of a span; the earliest of equals."""
    frame = int(frame_s * sample_rate)

    def cut(span: Span) -> float:
        first = max(0, round(span.start_s * sample_rate))
        part = samples[first : round(span.end_s * sample_rate)]
        count = len(part) // frame
        if count == 0:
            return span.middle_s
        energy = np.square(part[: count * frame].reshape(count, frame).astype(np.float64)).sum(axis=1)
        return (first + (int(np.argmin(energy)) + 0.5) * frame) / sample_rate

    return cut


def find_uncovered(speech: Sequence[Span], words: Sequence[Span], slack_s: float, least_s: float) -> list[Span]:
    """Find speech of at least `least_s` seconds without a word within `slack_s`: likely deletions.

    >>> find_uncovered([Span(0, 10)], [Span(0, 3)], slack_s=0.5, least_s=2)
    [Span(start_s=3.5, end_s=10)]
    """
    from tasks.intervals import subtract

    heard = merge_spans(w.grow(slack_s) for w in words)
    return [hole for hole in subtract(speech, heard) if hole.duration_s >= least_s]
