"""Days that are hard to link, each in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from random import Random
from typing import Any

import numpy as np

from tasks.intervals import Span
from tasks.linking.nodes import ChunkVoices
from tasks.records import Turn
from tests.simulation.day import Day, heard, simulate
from tests.simulation.diarizer import Mistakes, diarized
from tests.simulation.schedule import Meeting, schedule, talk
from tests.simulation.voices import alike, draw_voices, readers

Array = np.ndarray[Any, Any]
Hard = tuple[Day, list[ChunkVoices]]

HOURS = 24.0
NOON_S = 12 * 3600.0
APART_S = 5.0
"""From a meeting's end to what is still said after it, and from that to the next meeting at least."""


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


def pieces_of_twenty(speakers: int, seed: int, offset: float) -> Hard:
    """Somebody who is never heard for longer than some 20 s: five times a day, after five of the meetings."""
    day = simulate(speakers, seed, meetings=_with_pieces(5, 20.0, speakers, seed))
    return day, heard(day, offset)


def five_seconds(speakers: int, seed: int, offset: float) -> Hard:
    """Somebody who says some 5 s of the day in all, to one who stays behind after a meeting."""
    day = simulate(speakers, seed, meetings=_with_pieces(1, 5.0, speakers, seed))
    return day, heard(day, offset)


def _with_pieces(count: int, seconds: float, speakers: int, seed: int) -> list[Meeting]:
    """The day of all but the last speaker, who after `count` of the meetings talks with one who was there, and says
    some `seconds` each time."""
    random = Random(f"pieces/{speakers}/{seed}")
    meetings = schedule(speakers - 1, HOURS, random)
    lengths_s = [seconds * k / 20 for k in range(10, 160)]
    ends = [*(m.span.start_s for m in meetings[1:]), HOURS * 3600.0]
    room = [m for m, end in zip(meetings, ends, strict=True) if end - m.span.end_s > lengths_s[-1] + 2 * APART_S]
    # How much of a short talk is whose is chance. It is drawn here as `simulate` draws it, so that its length can be
    # that at which the last speaker has said enough.
    drawn = Random(f"{speakers}/{seed}")
    talk(meetings, drawn)
    for meeting in random.sample(room, min(count, len(room))):
        start = meeting.span.end_s + APART_S
        people = (meeting.people[0], speakers - 1)
        tried = [Meeting(Span(start, start + length), people, (0.5, 0.5)) for length in lengths_s]
        said = [said_s(talk([m], copy(drawn)), speakers - 1) for m in tried]
        meetings.append(tried[min(range(len(tried)), key=lambda i: abs(said[i] - seconds))])
        talk(meetings[-1:], drawn)
    return meetings


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
    "one only in pieces of 20 s": pieces_of_twenty,
    "one who speaks five seconds in all": five_seconds,
    "one who returns at night": returning,
    "half of the speakers split": splinters,
    "a tenth of the chunks merge two": merged,
    "all of a diarizer's mistakes": careless,
    "another microphone from noon": other_microphone,
}

BRIEF = ("one who speaks half a minute", "one only in pieces of 20 s", "one who speaks five seconds in all")
"""Cases whose last speaker is heard so little that the others' voices could swallow them."""


def said_s(turns: Iterable[Turn], speaker: int) -> float:
    """Seconds that this speaker says in all."""
    return sum(t.end_s - t.start_s for t in turns if t.speaker == f"{speaker:02d}")


def lost_in_others(day: Day, chunks: Sequence[ChunkVoices], labels: Sequence[Array], speaker: int) -> float:
    """Share of a speaker's windows that were given to somebody else: to a voice most of whose windows are others'.
    A window that is nobody's (−1) isn't lost in anybody."""
    given, mine = [], []
    for chunk, found, truth in zip(chunks, labels, day.truth, strict=True):
        middles = (chunk.starts_s + chunk.ends_s) / 2
        inside = (middles >= chunk.core.start_s) & (middles < chunk.core.end_s)
        given.append(np.asarray(found)[inside])
        mine.append(truth[inside] == speaker)
    voice, whose = np.concatenate(given), np.concatenate(mine)
    others = [v for v in np.unique(voice[whose]).tolist() if v >= 0 and whose[voice == v].mean() <= 0.5]
    return float(np.isin(voice[whose], others).mean()) if whose.any() else 0.0
