"""Who is heard in which recording: residents every day, regulars on some, strangers once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.voices.hearings import Heard
from tests.simulation.voices import LENGTH_S, Spread, draw_voices

RESIDENTS, REGULARS = 3, 5
COME = 2.5
"""Regulars on a day, in the mean."""
MOST = 8
"""Speakers of a recording."""


@dataclass(frozen=True, eq=False)
class Week:
    """Recordings of a history, one a day: who speaks (people), what was heard of each (K, D), and whether that was
    a piece of theirs that was never heard before (a second half, say). `enrolled`: hearings before the first day."""

    people: tuple[NDArray[np.int64], ...]
    embeddings: tuple[NDArray[np.float64], ...]
    fresh: tuple[NDArray[np.bool_], ...]
    enrolled: tuple[NDArray[np.int64], NDArray[np.float64]]


def who(
    people: int, days: int, rng: np.random.Generator, residents: int = RESIDENTS, regulars: int = REGULARS
) -> list[list[int]]:
    """People of each day: the first `residents` always, the `regulars` after them by chance, of the others up to two,
    once in their lives. At least three, at most `MOST`, where there are so many."""
    strangers = iter(range(residents + regulars, people))
    out = []
    for _ in range(days):
        there = [*range(residents), *(residents + np.flatnonzero(rng.random(regulars) < COME / regulars))]
        there += [s for _, s in zip(range(min(int(rng.integers(3)), MOST - len(there))), strangers, strict=False)]
        out.append([int(p) for p in there[:MOST]])
    return out


def real_week(heard: Heard, days: int, seed: int) -> Week:
    """A week of real readers: who they are, and which hearing is on which day, drawn by `seed`. No hearing comes
    twice."""
    rng = np.random.default_rng([seed, 1])
    readers, times = heard.halves.shape
    people = rng.permutation(readers)
    order = np.array([rng.permutation(times) for _ in range(readers)])
    used = np.zeros(readers, np.int64)
    known: set[tuple[int, int]] = set()

    def hear(present: list[int]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        found, fresh = [], []
        for person in present:
            reader = people[person]
            take = order[reader, used[reader]]
            used[reader] += 1
            half = (person, int(heard.halves[reader, take]))
            fresh.append(half not in known)
            known.add(half)
            found.append(heard.embeddings[reader, take].astype(np.float64))
        return np.array(found), np.array(fresh)

    return _week(who(readers, days, rng), hear)


def drawn_week(spread: Spread, people: int, days: int, seed: int, session: float, regulars: int) -> Week:
    """A history of drawn voices: each hearing is a mean of 10–200 windows around a voice, and a session's offset of
    `session` spreads within a voice on it."""
    rng = np.random.default_rng([seed, 2])
    voices = draw_voices(people, spread, rng)
    deviation = np.sqrt(spread.within)

    def hear(present: list[int]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        windows = rng.integers(10, 200, (len(present), 1))
        drawn: Any = rng.standard_normal((2, len(present), len(deviation)))
        # Neighbouring windows of 1.5 s share half of their sound: their mean varies by twice what apart ones' would.
        found = voices[present] + deviation * (session * drawn[0] + drawn[1] * np.sqrt(LENGTH_S / 0.75 / windows))
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found, np.ones(len(present), bool)

    return _week(who(people, days, rng, regulars=regulars), hear, regulars)


def _week(days: list[list[int]], hear: Any, regulars: int = REGULARS) -> Week:
    first = list(range(RESIDENTS + regulars))
    before = hear(first)[0]
    heard = [hear(present) for present in days]
    return Week(
        tuple(np.array(present) for present in days),
        tuple(found for found, _ in heard),
        tuple(fresh for _, fresh in heard),
        (np.array(first), before),
    )
