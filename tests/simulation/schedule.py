"""Who meets whom when, and how they take turns.

How people take turns is fitted to the timings of PriMock57 (57 mock consultations of two people, 7,108 utterances;
A. Papadopoulos Korfiatis et al., CC BY 4.0), which a test compares where they are at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tasks.intervals import Span
from tasks.records import Turn

DURATION_LOG_S = (1.025, 0.99)
"""Mean and spread of the logarithm of an utterance's seconds; measured 1.025 and 0.991."""
DURATION_RANGE_S = (0.4, 18.0)
"""Measured: 1 % are shorter than 0.43 s and 1 % longer than 16.8 s."""
CHANGES = 0.78
"""Share of utterances after which somebody else speaks; measured 0.779."""
ASIDE = 0.17
"""Share of changes in which the other falls in well before the end, by `ASIDE_S` on average."""
ASIDE_S = 3.0
GAP_S = (0.15, 0.75)
"""Mean and spread of the gap at the other changes, negative where they overlap. With the asides, 44 % of changes
overlap; measured gaps at 10, 25, 50, 75 and 90 %: −3.1, −0.5, 0.1, 0.6 and 1.1 s."""
NO_PAUSE = 0.3
"""Share of utterances by the same speaker as before that follow at once."""
PAUSE_LOG_S = (0.62, 0.84)
"""Mean and spread of the logarithm of the pause before the others; measured 0.618 and 0.842."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """People (by number) who talk with each other, and the shares of the talk that each has."""

    span: Span
    people: tuple[int, ...]
    shares: tuple[float, ...]


def schedule(speakers: int, hours: float, rng: Random) -> list[Meeting]:
    """Meetings of 2–6 people over a recording of `hours`, silences of minutes to hours between them.

    Everybody has a meeting; in a day of 24 h, everybody has two or more, mostly hours apart. A day has about ten
    hours of meetings, a shorter recording its share, and never nobody's whole silence.
    """
    end = hours * 3600.0
    count = max(1, round(hours * 0.65 * (1 + speakers / 60)))
    lengths = [rng.uniform(0.4, 1.6) * end * 0.42 / count for _ in range(count)]
    free = max(end - sum(lengths), 0.0)
    # One long silence (the night) and shorter ones.
    weights = [rng.lognormvariate(0.0, 1.0) for _ in range(count + 1)]
    if count > 4:
        weights[rng.randrange(count + 1)] += 0.4 * sum(weights)
    scale = free / sum(weights)
    out, at = [], 0.0
    for k, length in enumerate(lengths):
        at += weights[k] * scale
        out.append(Span(at, at + length))
        at += length
    groups = _groups(speakers, count, rng)
    return [Meeting(s, tuple(g), _shares(len(g), rng)) for s, g in zip(out, groups, strict=True)]


def _groups(speakers: int, count: int, rng: Random) -> list[list[int]]:
    groups: list[list[int]] = [[] for _ in range(count)]
    # Everybody's two appearances first, in the meetings that have fewest people.
    for _ in range(2):
        for who in rng.sample(range(speakers), speakers):
            open_ = [g for g in groups if who not in g] or groups
            least = min(len(g) for g in open_)
            group = rng.choice([g for g in open_ if len(g) == least])
            if who not in group:
                group.append(who)
    for group in groups:
        wanted = min(rng.choice((2, 2, 3, 3, 4, 5, 6)), speakers)
        others = [k for k in range(speakers) if k not in group]
        group += rng.sample(others, max(0, min(wanted - len(group), len(others))))
    return groups


def _shares(people: int, rng: Random) -> tuple[float, ...]:
    raw = [rng.gammavariate(1.5, 1.0) for _ in range(people)]
    # Nobody comes to a meeting to say nothing.
    return tuple(0.05 + (1 - 0.05 * people) * r / sum(raw) for r in raw)


def talk(meetings: Sequence[Meeting], rng: Random) -> list[Turn]:
    """The turns of all meetings by time, speakers "00", "01", …; nobody overlaps with themself."""
    out: list[Turn] = []
    for meeting in meetings:
        out += _talk(meeting, rng)
    return sorted(out, key=lambda t: (t.start_s, t.end_s))


def _talk(meeting: Meeting, rng: Random) -> list[Turn]:
    turns: list[Turn] = []
    ends = dict.fromkeys(meeting.people, meeting.span.start_s)
    who = _next(meeting, None, rng)
    at = meeting.span.start_s
    while at < meeting.span.end_s:
        length = rng.lognormvariate(*DURATION_LOG_S)
        length = min(max(length, DURATION_RANGE_S[0]), DURATION_RANGE_S[1])
        start = max(at, ends[who] + 0.02, meeting.span.start_s)
        if start + DURATION_RANGE_S[0] > meeting.span.end_s:
            break
        turn = Turn(start, min(start + length, meeting.span.end_s), f"{who:02d}")
        turns.append(turn)
        ends[who] = turn.end_s
        before, who = who, _next(meeting, who, rng) if rng.random() < CHANGES else who
        if who == before:
            at = turn.end_s + (0.0 if rng.random() < NO_PAUSE else rng.lognormvariate(*PAUSE_LOG_S))
        elif rng.random() < ASIDE:
            at = max(turn.end_s - rng.expovariate(1 / ASIDE_S), turn.start_s + 0.3)
        else:
            at = max(turn.end_s + rng.gauss(*GAP_S), turn.start_s + 0.3)
        at = max(at, max(ends.values()) - ASIDE_S)
    return turns


def _next(meeting: Meeting, last: int | None, rng: Random) -> int:
    others = [(p, s) for p, s in zip(meeting.people, meeting.shares, strict=True) if p != last]
    if not others:
        return meeting.people[0]
    return rng.choices([p for p, _ in others], [s for _, s in others])[0]
