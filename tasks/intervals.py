"""The arithmetic of time under all steps: half-open spans of seconds.

A list of spans is *tidy* when it is sorted, its spans are not empty and none touches the next. `merge_spans` makes
a list so; the other functions accept any list and return tidy ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """The half-open interval [start_s, end_s) in seconds.

    >>> Span(1.0, 3.0) & Span(2.0, 5.0)
    Span(start_s=2.0, end_s=3.0)
    >>> bool(Span(1.0, 2.0) & Span(2.0, 3.0))
    False
    >>> 1.0 in Span(1.0, 2.0), 2.0 in Span(1.0, 2.0)
    (True, False)
    """

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return max(0.0, self.end_s - self.start_s)

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2

    def __bool__(self) -> bool:
        return self.end_s > self.start_s

    def __and__(self, other: Span) -> Span:
        return Span(max(self.start_s, other.start_s), min(self.end_s, other.end_s))

    def __contains__(self, time_s: float) -> bool:
        return self.start_s <= time_s < self.end_s

    def shift(self, seconds: float) -> Span:
        return Span(self.start_s + seconds, self.end_s + seconds)

    def grow(self, seconds: float) -> Span:
        return Span(self.start_s - seconds, self.end_s + seconds)

    def distance_s(self, time_s: float) -> float:
        """Seconds from `time_s` to the nearest point of the span; 0 inside it."""
        return max(self.start_s - time_s, time_s - self.end_s, 0.0)


def merge_spans(spans: Iterable[Span], gap_s: float = 0.0) -> list[Span]:
    """Sorted spans without empty ones, joined where they overlap or lie at most `gap_s` apart.

    >>> merge_spans([Span(3, 4), Span(1, 2), Span(2, 3)])
    [Span(start_s=1, end_s=4)]
    """
    out: list[Span] = []
    for span in sorted(s for s in spans if s):
        if out and span.start_s <= out[-1].end_s + gap_s:
            out[-1] = Span(out[-1].start_s, max(out[-1].end_s, span.end_s))
        else:
            out.append(span)
    return out


def intersect(left: Iterable[Span], right: Iterable[Span]) -> list[Span]:
    """What both lists cover.

    >>> intersect([Span(0, 5)], [Span(1, 2), Span(4, 9)])
    [Span(start_s=1, end_s=2), Span(start_s=4, end_s=5)]
    """
    a, b, out = merge_spans(left), merge_spans(right), []
    i = j = 0
    while i < len(a) and j < len(b):
        common = a[i] & b[j]
        if common:
            out.append(common)
        if a[i].end_s <= b[j].end_s:
            i += 1
        else:
            j += 1
    return out


def subtract(left: Iterable[Span], right: Iterable[Span]) -> list[Span]:
    """Return the parts of `left` outside `right`, sorted and disjoint.

    >>> subtract([Span(0, 5)], [Span(1, 2)])
    [Span(start_s=0, end_s=1), Span(start_s=2, end_s=5)]
    """
    removed, out = merge_spans(right), []
    first = 0
    for span in merge_spans(left):
        start = span.start_s
        while first < len(removed) and removed[first].end_s <= start:
            first += 1
        k = first
        while k < len(removed) and removed[k].start_s < span.end_s:
            if removed[k].start_s > start:
                out.append(Span(start, removed[k].start_s))
            start = max(start, removed[k].end_s)
            k += 1
        if start < span.end_s:
            out.append(Span(start, span.end_s))
    return out


def clip(spans: Iterable[Span], to: Span) -> list[Span]:
    """The parts of `spans` that lie within `to`."""
    return merge_spans(s & to for s in spans)


def measure_union_s(spans: Iterable[Span]) -> float:
    """Seconds covered, overlapping parts counted once."""
    return sum(s.duration_s for s in merge_spans(spans))


def format_clock(seconds: float) -> str:
    """Format a point in a recording to the nearest second; two digits for the hours, or as many as it takes.

    >>> format_clock(4364.6), format_clock(86_413)
    ('01:12:45', '24:00:13')
    """
    return format_timestamp(1000 * round(seconds), "")


def format_timestamp(milliseconds: int, mark: str = ".") -> str:
    """Format a point in a recording with milliseconds after `mark`; with an empty `mark`, they are cut off.

    >>> format_timestamp(90061001), format_timestamp(360_000_000, ","), format_timestamp(61_500, "")
    ('25:01:01.001', '100:00:00,000', '00:01:01')
    """
    whole, rest = divmod(milliseconds, 1000)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}{mark}{rest:03d}" if mark else text


def format_duration(seconds: float, *, round_minutes: bool = False) -> str:
    """Format a duration to the nearest second; from an hour on in minutes, cut off or rounded.

    >>> format_duration(9.4), format_duration(75), format_duration(7384)
    ('9 s', '1 min 15 s', '2 h 03 min')
    >>> format_duration(7430), format_duration(7430, round_minutes=True)
    ('2 h 03 min', '2 h 04 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60) if round_minutes else whole // 60
    return f"{minutes // 60} h {minutes % 60:02d} min"
