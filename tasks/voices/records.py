"""The records of the voice registry. A `VoiceRegistry` is immutable; each change makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float32]]
By = Literal["new", "match", "hand", "enrolled"]
"""How a hearing was assigned to its voice: as the first of a new voice, by matching, by hand, or by enrolment."""

FORGOTTEN = ""
"""The `voice_id` of a hearing whose voice was forgotten. The hearing stays, without embedding, until the voice is
erased: the recording's tables and exports written without it, its cached results removed, and no run under way that
may publish it again."""


class Hearing(NamedTuple):
    """One speaker of one recording, with the embedding measured there.

    `out`: the folder of results it was published in ("" for an enrolled file); `speaker`: the label there, "" where
    the recording, processed again, no longer has that speaker. `seconds`: of speech; `heard_on`: ISO date of the
    recording. `embedding`: float32, shape (D,), unit length, or empty; comparable within one `embedder` only (name
    and digest of its weights). Similarities are cosines. `maybe`: a voice offered as a possible match. `shown`:
    digest of the identity that the recording's published tables contain. `forgotten_as`: digests of what people
    called a forgotten voice, separated by blanks (see `digest_term`), so that asking again finds it.
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
    forgotten_as: str = ""


class KnownVoice(NamedTuple):
    voice_id: str
    name: str | None = None


class Correction(NamedTuple):
    """A correction by a person: `at` (ISO time), `kind`, `what` (a line for people), and `change`, the difference it
    made as JSON (see `diff_registries`), by which it is undone."""

    number: int
    at: str
    kind: str
    what: str
    change: str
    undone: bool = False


class SpeakerIdentity(NamedTuple):
    """The identity of a speaker as tables and exports give it."""

    voice_id: str | None = None
    name: str | None = None
    similarity: float | None = None
    maybe: str | None = None
    maybe_name: str | None = None


Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class VoiceRegistry:
    """All voices, hearings and corrections; voices and hearings by id.

    Pairs of voice ids, each sorted: `apart` are two people by a person's decision; `alike` are unnamed voices that
    one speaker matched equally well, so that they may be the same person.
    """

    voices: Mapping[str, KnownVoice] = field(default_factory=dict)
    hearings: Mapping[str, Hearing] = field(default_factory=dict)
    apart: frozenset[Pair] = frozenset()
    alike: frozenset[Pair] = frozenset()
    corrections: tuple[Correction, ...] = ()

    def of_voice(self, voice_id: str) -> list[Hearing]:
        return [h for h in self.hearings.values() if h.voice_id == voice_id]

    def of_recording(self, out: str, recording_id: str) -> list[Hearing]:
        """The hearings of the recording's current speakers; those of speakers it no longer has are left out."""
        return [h for h in self.hearings.values() if h.out == out and h.recording_id == recording_id and h.speaker]

    def identity_of(self, hearing: Hearing) -> SpeakerIdentity:
        if hearing.voice_id == FORGOTTEN:
            return SpeakerIdentity()
        voice, maybe = self.voices[hearing.voice_id], self.voices.get(hearing.maybe or "")
        return SpeakerIdentity(
            voice.voice_id,
            voice.name,
            hearing.similarity,
            maybe.voice_id if maybe else None,
            maybe.name if maybe else None,
        )


def order_pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)
