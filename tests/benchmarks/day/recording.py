"""A generated recording of any length: who said what when is known exactly.

Synthetic people who come back over the day (the voices and the small English of `data/recipes`, as in the bundled
sample) meet in twos to fours. They are heard in a third of the time; the rest is a faint noise of the room, much of
it in one night where there is room for a night. People fall into each other's words now and then.

The voices are those that the demo weights were trained on, and short sentences are the same everywhere: figures say
how well the pipeline is built, not how well it hears the world. Recordings are made once (speech some 500 times
faster than it is spoken, silence faster still) and kept in data/cache/benchmarks.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from data.recipes.lexicon import dialogue, plain, split_sentences
from data.recipes.roundtable import Spoken
from data.recipes.roundtable_script import Turn
from data.recipes.synthesis import SAMPLE_RATE, VOICES, Voice, speak
from tasks.intervals import Span, measure_union_s, merge_spans
from tasks.settings.home import cache as cache_folder
from tests.benchmarks.day.tape import tape

EDITION = 1
"""Raised when the same seed gives another recording."""
PEOPLE = VOICES[:6]
FEW = 4
"""People of recordings shorter than `DAY_HOURS`."""
DAY_HOURS = 4.0
GAIN_DB = (0.0, 1.5, -2.0, -3.0, -1.0, 0.5)
"""People sit at different distances."""
MEETINGS = 0.375
"""Share of the time that is a meeting, so that somebody speaks in a third."""
MEETINGS_AN_HOUR = 0.75
NIGHT = 0.4
"""Share of the silence that is night, once in 24 hours, in recordings of `DAY_HOURS` and more."""
INTERRUPTED = 0.33
"""Share of changes of speaker that happen before the other has ended."""
_MASTER = 0.55  # of the sample
_MEAN_TURN_S = 4.0


@dataclass(frozen=True, slots=True)
class Made:
    """A recording and its references, `.rttm` and `.stm` beside it. Seconds; `overlap_s` of two voices or more."""

    path: str
    duration_s: float
    speech_s: float
    overlap_s: float
    people: int
    words: int
    meetings: int

    @property
    def references(self) -> list[Path]:
        return [Path(self.path).with_suffix(s) for s in (".stm", ".rttm")]


@dataclass(frozen=True, slots=True)
class Meeting:
    """Who talks with whom when; people by their number in `PEOPLE`."""

    span: Span
    people: tuple[int, ...]


def recording(hours: float, seed: int = 1) -> Made:
    """The recording of so many hours, made now if it wasn't before."""
    folder = cache_folder() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"day-{EDITION}-{seed}-{hours * 60:g}min"
    facts = folder / f"{name}.json"
    if not facts.is_file():
        made = _make(folder / f"{name}.flac", hours, seed)
        aside = folder / f".{name}.json"
        aside.write_text(json.dumps(asdict(made)), encoding="utf-8")
        os.replace(aside, facts)  # the last file: where it is, the others are whole
    return Made(**{**json.loads(facts.read_text(encoding="utf-8")), "path": str(folder / f"{name}.flac")})


def meetings(hours: float, seed: int) -> list[Meeting]:
    """The schedule: meetings of different lengths, silences between them; everybody comes in turn."""
    rng = random.Random(f"meetings {seed}")
    whole = hours * 3600
    count = max(2, round(hours * MEETINGS_AN_HOUR))
    lengths = _shares(rng, count, whole * MEETINGS)
    silences = _shares(rng, count + 1, whole * (1 - MEETINGS))
    if hours >= DAY_HOURS:
        nights = max(1, round(hours / 24))
        silences = [(1 - NIGHT) * s for s in silences]
        for _ in range(nights):
            silences[rng.randrange(count + 1)] += NIGHT * whole * (1 - MEETINGS) / nights
    people = range(len(PEOPLE) if hours >= DAY_HOURS else FEW)
    waiting: list[int] = []
    out, at = [], 0.0
    for silence, length in zip(silences, lengths, strict=False):
        at += silence
        group: list[int] = []
        wanted = rng.choice((2, 3, 3, 4))
        while len(group) < wanted:
            waiting = waiting or rng.sample(people, len(people))
            group += [p for p in [waiting.pop()] if p not in group]
        out.append(Meeting(Span(at, at + length), tuple(group)))
        at += length
    return out


def _shares(rng: random.Random, count: int, whole: float) -> list[float]:
    parts = [rng.uniform(0.5, 1.5) for _ in range(count)]
    return [p * whole / sum(parts) for p in parts]


def talk(meeting: Meeting, seed: int) -> Iterator[Spoken]:
    """The turns of a meeting, each at its place; none starts before the one before it."""
    rng = np.random.default_rng(seed)
    free = dict.fromkeys(meeting.people, meeting.span.start_s)
    at, end, last = meeting.span.start_s, meeting.span.start_s, -1
    for index, text in dialogue(seed, round(meeting.span.duration_s / _MEAN_TURN_S) + 20, len(meeting.people)):
        who = meeting.people[index]
        samples, words = _pronounced(text, who, rng)
        gap = rng.uniform(0.15, 1.0) + (rng.uniform(0.0, 2.5) if rng.random() < 0.07 else 0.0)
        if last != who and rng.random() < INTERRUPTED:
            gap = -min(rng.uniform(0.2, 1.0), 0.5 * (end - at))
        start = max(end + gap, free[who] + 0.2, at)
        stop = start + len(samples) / SAMPLE_RATE
        if stop > meeting.span.end_s:
            return
        yield Spoken(Turn(PEOPLE[who].name, (text,), 0), samples, words, start)
        at, end, last, free[who] = start, max(end, stop), who, stop


def _pronounced(text: str, who: int, rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """A turn with pauses between its sentences; tempo and pitch vary a little."""
    parts: list[np.ndarray] = []
    words: list[tuple[str, float, float]] = []
    length = 0
    for sentence in (s.strip() for s in split_sentences(text)):
        if parts:
            parts.append(np.zeros(round(rng.uniform(0.15, 0.5) * SAMPLE_RATE), np.float32))
            length += len(parts[-1])
        samples, timed = speak(sentence, PEOPLE[who], rng.uniform(0.94, 1.05), int(rng.integers(-3, 4)))
        at = length / SAMPLE_RATE
        words += [(w, at + a, at + b) for w, (_, a, b) in zip(plain(sentence), timed, strict=True)]
        parts.append(samples)
        length += len(samples)
    return np.concatenate(parts) * np.float32(_MASTER * 10 ** (GAIN_DB[who] / 20)), words


def _make(path: Path, hours: float, seed: int) -> Made:
    held = meetings(hours, seed)
    pieces: list[tuple[float, float, str, str]] = []  # start, end, who, words
    aside = path.with_name(f".{path.name}")
    with tape(aside, seed) as sound:
        for number, meeting in enumerate(held):
            for spoken in talk(meeting, seed * 1000 + number):
                sound.write_until(spoken.start)
                sound.lay(spoken.start, spoken.samples)
                pieces += [
                    (p[0][1], p[-1][2], spoken.turn.speaker, " ".join(w for w, _, _ in p)) for p in spoken.pieces()
                ]
        sound.write_until(hours * 3600)
    pieces.sort()
    rttm = [f"SPEAKER {path.stem} 1 {a:.3f} {b - a:.3f} <NA> <NA> {who} <NA> <NA>" for a, b, who, _ in pieces]
    stm = [f"{path.stem} 1 {who} {a:.2f} {b:.2f} <o,f0,{_voice(who).sex}> {text}" for a, b, who, text in pieces]
    path.with_suffix(".rttm").write_text("\n".join(rttm) + "\n", encoding="utf-8")
    path.with_suffix(".stm").write_text("\n".join(stm) + "\n", encoding="utf-8")
    os.replace(aside, path)
    speech_s = measure_union_s(Span(a, b) for a, b, _, _ in pieces)
    each = {who for _, _, who, _ in pieces}
    voices_s = sum(measure_union_s(merge_spans(Span(a, b) for a, b, w, _ in pieces if w == who)) for who in each)
    words = sum(len(text.split()) for *_, text in pieces)
    return Made(str(path), hours * 3600, speech_s, voices_s - speech_s, len(each), words, len(held))


@cache
def _voice(name: str) -> Voice:
    return next(v for v in PEOPLE if v.name == name)
