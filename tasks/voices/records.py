"""The values of this room. A book is everything that is known of people's voices; it is replaced, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float32]]
By = Literal["new", "match", "hand", "enrolled"]
"""How a hearing came to its voice: as its first, by likeness, by what a person said, from an enrolled file."""

FORGOTTEN = ""
"""The voice of a hearing whose person is forgotten: it stays, without embedding, until its recording's tables and
exports say nothing of them either."""


class Hearing(NamedTuple):
    """A speaker of a recording: one embedding, measured there.

    `out`: the folder of results that it was published in ("" of an enrolled file); `speaker`: the label there, ""
    where the recording, processed again, has no such speaker any more. `embedding` has unit length, or is empty;
    compare within one `embedder` only (name and digest of its weights). `maybe`: a voice that it may be. `shown`: a
    digest of what its recording's tables say of it.
    """

    hearing_id: str
    voice_id: str
    out: str
    recording_id: str
    run_id: str
    source_name: str
    speaker: str
    seconds: float
    heard_on: str
    by: By
    similarity: float | None
    maybe: str | None
    maybe_similarity: float | None
    embedder: str
    embedding: Vector
    shown: str = ""


class Voice(NamedTuple):
    voice_id: str
    name: str | None = None


class Correction(NamedTuple):
    """What a person said: `kind` and `what` (for people), and what it changed, as JSON of `Change`, to undo it."""

    number: int
    at: str
    kind: str
    what: str
    change: str
    undone: bool = False


class Known(NamedTuple):
    """What is said of a speaker in tables and exports."""

    voice_id: str | None = None
    name: str | None = None
    similarity: float | None = None
    maybe: str | None = None
    maybe_name: str | None = None


Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Book:
    """Pairs of voices, each in order of its ids: `apart`, that people said are two people; `alike`, both nameless,
    that somebody heard was like enough to both of, and who may be one."""

    voices: Mapping[str, Voice] = field(default_factory=dict)
    hearings: Mapping[str, Hearing] = field(default_factory=dict)
    apart: frozenset[Pair] = frozenset()
    alike: frozenset[Pair] = frozenset()
    corrections: tuple[Correction, ...] = ()

    def of_voice(self, voice_id: str) -> list[Hearing]:
        return [h for h in self.hearings.values() if h.voice_id == voice_id]

    def of_recording(self, out: str, recording_id: str) -> list[Hearing]:
        """What its tables tell of; speakers of earlier runs that it has no more are left out."""
        return [h for h in self.hearings.values() if h.out == out and h.recording_id == recording_id and h.speaker]

    def known(self, hearing: Hearing) -> Known:
        if hearing.voice_id == FORGOTTEN:
            return Known()
        voice, maybe = self.voices[hearing.voice_id], self.voices.get(hearing.maybe or "")
        return Known(
            voice.voice_id,
            voice.name,
            hearing.similarity,
            maybe.voice_id if maybe else None,
            maybe.name if maybe else None,
        )


def pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def by_id(hearings: Iterable[Hearing]) -> dict[str, Hearing]:
    return {h.hearing_id: h for h in hearings}
