"""Days that are hard to link, each in one way."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from tasks.intervals import Span
from tasks.linking.nodes import ChunkVoices
from tests.simulation.day import Day, heard, simulate
from tests.simulation.diarizer import Mistakes, diarized
from tests.simulation.schedule import Meeting, schedule
from tests.simulation.voices import alike, draw_voices, readers

Array = np.ndarray[Any, Any]
Hard = tuple[Day, list[ChunkVoices]]

HOURS = 24.0
NOON_S = 12 * 3600.0


def two_alike(speakers: int, seed: int, offset: float) -> Hard:
    """Two voices half as far from each other as they were drawn."""
    voices = draw_voices(speakers, readers(), np.random.default_rng([seed, speakers]))
    voices[1] = alike(voices[0], voices[1], 0.5)
    day = simulate(speakers, seed, voices=voices)
    return day, heard(day, offset)


def half_a_minute(speakers: int, seed: int, offset: float) -> Hard:
    """Somebody who is there once, for a minute, and speaks for half of it."""
    random = Random(f"brief/{speakers}/{seed}")
    meetings = schedule(speakers - 1, HOURS, random)
    after = meetings[len(meetings) // 2].span.end_s + 5.0
    meetings.append(Meeting(Span(after, after + 60.0), (0, speakers - 1), (0.4, 0.6)))
    day = simulate(speakers, seed, meetings=meetings)
    return day, heard(day, offset)


def returning(speakers: int, seed: int, offset: float) -> Hard:
    """Somebody who speaks in the day's first meeting and its last, and never between."""
    meetings = schedule(speakers, HOURS, Random(f"returning/{speakers}/{seed}"))
    last = len(meetings) - 1
    changed = []
    for i, meeting in enumerate(meetings):
        people = [p for p in meeting.people if p] + ([0] if i in (0, last) else [])
        people += [k for k in range(1, speakers) if k not in people][: max(0, 2 - len(people))]
        changed.append(Meeting(meeting.span, tuple(people), (1.0 / len(people),) * len(people)))
    day = simulate(speakers, seed, meetings=changed)
    return day, heard(day, offset)


def splinters(speakers: int, seed: int, offset: float) -> Hard:
    """Chunks whose diarizers split half of their speakers in two."""
    day = simulate(speakers, seed)
    return day, heard(day, offset, diarized(day, Mistakes(0.0, 0.0, 0.0, split=0.5, merged=0.0)))


def merged(speakers: int, seed: int, offset: float) -> Hard:
    """One chunk in ten whose diarizer took two people for one."""
    day = simulate(speakers, seed)
    return day, heard(day, offset, diarized(day, Mistakes(0.0, 0.0, 0.0, split=0.0, merged=0.1)))


def careless(speakers: int, seed: int, offset: float) -> Hard:
    """All the mistakes of a diarizer at once."""
    day = simulate(speakers, seed)
    return day, heard(day, offset, diarized(day, Mistakes()))


def other_microphone(speakers: int, seed: int, offset: float) -> Hard:
    """From noon on, every voice is off by the same, by once the spread within a voice."""
    day = simulate(speakers, seed)
    shift = np.random.default_rng([seed, 13]).standard_normal(day.voices.shape[1]) * np.sqrt(day.spread.within)

    def moved(speaker: int, middles_s: Array, offsets: Array) -> Array:
        out: Array = offsets + np.where(middles_s[:, None] > NOON_S, shift, 0.0)
        return out

    return day, heard(day, offset, moved=moved)


CASES: dict[str, Callable[[int, int, float], Hard]] = {
    "two similar voices": two_alike,
    "one who speaks half a minute": half_a_minute,
    "one who returns at night": returning,
    "half of the speakers split": splinters,
    "a tenth of the chunks merge two": merged,
    "all of a diarizer's mistakes": careless,
    "another microphone from noon": other_microphone,
}
