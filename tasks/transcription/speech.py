"""Pack spans of speech into windows of a recogniser.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, clip
from tasks.records import SAMPLE_RATE_HZ

KEPT_PAUSE_S = 2.0
"""Longest pause that stays in a window as it is: a recogniser hears sentences by their pauses, and drops words where
pauses are cut out. Longer ones are reduced to the room around their neighbours: silence invites it to invent text."""
PAD_S = 0.4
"""Room left around a piece: a speech map often begins a moment late."""
ROUNDING_S = 1e-6
"""Shorter speech is what rounding left at a border."""
GRID_S = 0.01
"""A recogniser's spectrogram has a frame every 10 ms; pieces begin and end on frames."""

Cut = Callable[[Span], float]
"""Chooses the time (seconds) within a span at which to cut speech without a pause."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is decoded at once: pieces of the samples, in order and apart, one directly after the other."""

    pieces: tuple[Span, ...]

    @property
    def span(self) -> Span:
        return Span(self.pieces[0].start_s, self.pieces[-1].end_s)

    @property
    def duration_s(self) -> float:
        return sum(p.duration_s for p in self.pieces)

    def find_time(self, offset_s: float) -> float:
        """Convert seconds from the window's start to seconds from the start of the samples.

        >>> window = Window((Span(1.0, 2.0), Span(5.0, 7.0)))
        >>> window.find_time(0.5), window.find_time(1.5), window.find_time(9.0)
        (1.5, 5.5, 7.0)
        """
        for piece in self.pieces:
            if offset_s < piece.duration_s:
                return max(piece.start_s, piece.start_s + offset_s)
            offset_s -= piece.duration_s
        return self.pieces[-1].end_s


@dataclass(frozen=True, slots=True)
class Packing:
    """How windows are made: at most `max_s` seconds each; pauses over `kept_pause_s` are shortened; `pad_s` of room
    around each piece."""

    max_s: float
    kept_pause_s: float = KEPT_PAUSE_S
    pad_s: float = PAD_S

    @classmethod
    def for_longest(cls, max_s: float) -> Packing:
        """The packing for windows of at most `max_s` seconds: weights for short windows take short pauses and little
        room.

        >>> Packing.for_longest(28.0)
        Packing(max_s=28.0, kept_pause_s=2.0, pad_s=0.4)
        >>> Packing.for_longest(8.0)
        Packing(max_s=8.0, kept_pause_s=1.0, pad_s=0.3)
        """
        return cls(max_s, min(KEPT_PAUSE_S, max_s / 8), min(PAD_S, 0.3 * max_s / 8))

    @property
    def room_s(self) -> float:
        """Seconds that one piece can have, without its room."""
        return self.max_s - self.overhead_s

    @property
    def overhead_s(self) -> float:
        return 2 * self.pad_s + 2 * GRID_S

    def measure_s(self, group: Sequence[Span]) -> float:
        """Seconds of a window of these spans of speech, at most."""
        gaps = (b.start_s - a.end_s for a, b in itertools.pairwise(group))
        pauses = sum(g if g <= self.kept_pause_s else self.overhead_s for g in gaps)
        return sum(s.duration_s for s in group) + pauses + self.overhead_s


def pack_windows(speech: Sequence[Span], within: Span, packing: Packing, cut: Cut | None = None) -> list[Window]:
    """Pack `speech`, clipped to `within`, into windows that cover it, of at most `packing.max_s` seconds, without
    overlap.

    A window holds as much as fits, pauses included, and ends at the longest pause of its later half. Speech without a
    pause is divided at `cut` (default: even pieces).

    >>> pack_windows([Span(1, 4), Span(4.5, 9), Span(20, 21)], Span(0, 30), Packing(max_s=15, pad_s=0.5))
    [Window(pieces=(Span(start_s=0.5, end_s=9.5), Span(start_s=19.5, end_s=21.5)))]
    """
    heard = [s for s in clip(speech, within) if s.duration_s >= ROUNDING_S]
    spans = [p for s in heard for p in _divide(s, packing.room_s, cut)]
    groups: list[list[Span]] = []
    while spans:
        size = _fit(spans, packing)
        groups.append(spans[:size])
        spans = spans[size:]
    return [
        Window(tuple(pieces))
        for pieces in _pad([_join(group, packing.kept_pause_s) for group in groups], within, packing.pad_s)
    ]


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


def _fit(spans: Sequence[Span], packing: Packing) -> int:
    """Count the first spans that make a window: all that fit, or those before the longest pause of its later half."""
    fit = 1
    while fit < len(spans) and packing.measure_s(spans[: fit + 1]) <= packing.max_s:
        fit += 1
    if fit == len(spans):
        return fit
    half = packing.measure_s(spans[:fit]) / 2
    later = [i for i in range(1, fit + 1) if packing.measure_s(spans[:i]) >= half]
    return max(later, key=lambda i: (spans[i].start_s - spans[i - 1].end_s, i))


def _join(group: Sequence[Span], gap_s: float) -> list[Span]:
    out: list[Span] = []
    for span in group:
        if out and span.start_s - out[-1].end_s <= gap_s:
            out[-1] = Span(out[-1].start_s, span.end_s)
        else:
            out.append(span)
    return out


def _pad(windows: Sequence[Sequence[Span]], within: Span, pad_s: float) -> list[list[Span]]:
    """Grow each piece by up to `pad_s`, at most halfway to its neighbour, and round it outward to the grid."""
    spans = [s for pieces in windows for s in pieces]
    out: list[Span] = []
    for i, span in enumerate(spans):
        left = (spans[i - 1].end_s + span.start_s) / 2 if i else within.start_s
        right = (span.end_s + spans[i + 1].start_s) / 2 if i + 1 < len(spans) else within.end_s
        start = max(left, _floor(max(left, span.start_s - pad_s)))
        end = min(right, _ceil(min(right, span.end_s + pad_s)))
        out.append(Span(start, end))
    padded = iter(out)
    return [[next(padded) for _ in pieces] for pieces in windows]


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
