"""Cut spans at full hours, and list who speaks in which hour. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tasks.intervals import Span, merge_spans
from tasks.records import Transcript

HOUR_S = 3600.0
Key = tuple[int, str | None]
"""An hour, and a speaker in it or None for all."""


def find_overlap(spoken: Iterable[Sequence[Span]]) -> list[Span]:
    """Find where at least two speak. Each speaker's spans are sorted and disjoint."""
    edges = sorted((at, step) for own in spoken for s in own for at, step in ((s.start_s, 1), (s.end_s, -1)))
    found, speaking, since = [], 0, 0.0
    for at, step in edges:
        if step > 0 and speaking == 1:
            since = at
        elif step < 0 and speaking == 2:
            found.append(Span(since, at))
        speaking += step
    return merge_spans(found)


def split_by_hour(spans: Iterable[Span]) -> dict[int, list[Span]]:
    """Cut spans at full hours, by hour."""
    found: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        for hour in range(int(span.start_s // HOUR_S), math.ceil(span.end_s / HOUR_S)):
            if part := span & Span(hour * HOUR_S, (hour + 1) * HOUR_S):
                found[hour].append(part)
    return found


def sum_by_hour(spans: Iterable[Span]) -> dict[int, float]:
    """Sum the seconds of spans in each hour."""
    return {hour: sum(s.duration_s for s in own) for hour, own in split_by_hour(spans).items()}


def list_spoken(transcript: Transcript) -> dict[str, list[Span]]:
    """List each speaker's turns, sorted and disjoint."""
    turns: dict[str, list[Span]] = defaultdict(list)
    for turn in transcript.turns:
        turns[turn.speaker].append(turn.span)
    return {label: merge_spans(own) for label, own in sorted(turns.items())}


def list_keys(transcript: Transcript, spoken: Mapping[str, Sequence[Span]]) -> list[Key]:
    """List the hours of a recording, then the speakers who have a turn or a word in each."""
    hours = max(1, math.ceil(transcript.recording.duration_s / HOUR_S))
    own: set[tuple[int, str]] = {(hour, label) for label in spoken for hour in split_by_hour(spoken[label])}
    own |= {(find_hour(w.middle_s), w.speaker) for w in transcript.words if w.speaker}
    return [(hour, None) for hour in range(hours)] + sorted(key for key in own if key[0] < hours)


def find_hour(at_s: float) -> int:
    """Find the hour, from 0, of a time in seconds."""
    return int(at_s // HOUR_S)


def make_hour(transcript: Transcript, hour: int) -> Span:
    """Make the span of an hour; the last one ends with the recording."""
    return Span(hour * HOUR_S, min((hour + 1) * HOUR_S, max(transcript.recording.duration_s, hour * HOUR_S)))
