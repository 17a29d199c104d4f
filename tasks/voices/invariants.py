"""Invariants of the voice registry: no dangling references, unique names and ids; stale tables."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection
from dataclasses import replace

from tasks.errors import UsageError
from tasks.voices.records import FORGOTTEN, Correction, Hearing, SpeakerIdentity, VoiceRegistry, order_pair


def prune_registry(registry: VoiceRegistry) -> VoiceRegistry:
    """Drop unnamed voices without hearings, and offers and pairs that refer to voices not in the registry."""
    heard = {h.voice_id for h in registry.hearings.values()}
    voices = {key: v for key, v in registry.voices.items() if v.name or key in heard}
    hearings = {
        key: h
        if h.maybe is None or (h.maybe in voices and order_pair(h.voice_id, h.maybe) not in registry.apart)
        else h._replace(maybe=None, maybe_similarity=None)
        for key, h in registry.hearings.items()
    }
    apart = frozenset(p for p in registry.apart if p[0] in voices and p[1] in voices)
    alike = frozenset(p for p in registry.alike - apart if may_be_same_person(replace(registry, voices=voices), *p))
    return replace(registry, voices=voices, hearings=hearings, apart=apart, alike=alike)


def may_be_same_person(registry: VoiceRegistry, one: str, other: str) -> bool:
    """Whether two voices exist, are both unnamed, and were not marked as different people.

    Named voices never qualify: a name is only assigned with the margin over every other voice.
    """
    voices = registry.voices.get(one), registry.voices.get(other)
    return all(v is not None and v.name is None for v in voices) and order_pair(one, other) not in registry.apart


def digest_identity(known: SpeakerIdentity) -> str:
    """Digest a speaker's identity as tables and exports give it (16 hexadecimal digits of a SHA-256)."""
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def is_stale(registry: VoiceRegistry, hearing: Hearing) -> bool:
    """Whether the recording's published tables give another identity than the registry, or contain a forgotten
    voice."""
    published = bool(hearing.out and hearing.speaker) or hearing.voice_id == FORGOTTEN
    return published and hearing.shown != digest_identity(registry.identity_of(hearing))


def find_stale_recordings(registry: VoiceRegistry) -> list[tuple[str, str]]:
    """Find the recordings, as (out, recording_id), whose tables and exports have to be written again."""
    return sorted({(h.out, h.recording_id) for h in registry.hearings.values() if is_stale(registry, h)})


def mark_published(registry: VoiceRegistry, out: str, recording_id: str, run_id: str | None) -> VoiceRegistry:
    """Mark the recording's published tables, of the run `run_id` (None: there are none), as up to date."""
    hearings = {}
    for key, hearing in registry.hearings.items():
        if (hearing.out, hearing.recording_id) == (out, recording_id):
            hearing = hearing._replace(shown=digest_identity(registry.identity_of(hearing)))
            if hearing.voice_id == FORGOTTEN:
                hearing = hearing._replace(run_id=run_id or hearing.run_id)
        hearings[key] = hearing
    return prune_registry(replace(registry, hearings=hearings))


def list_forgotten(registry: VoiceRegistry) -> list[Hearing]:
    """List the hearings of forgotten voices whose erasure isn't finished."""
    return sorted(
        (h for h in registry.hearings.values() if h.voice_id == FORGOTTEN), key=lambda h: (h.out, h.recording_id)
    )


def drop_erased(registry: VoiceRegistry, unfinished: Collection[str]) -> VoiceRegistry:
    """Drop the hearings of forgotten voices that no published table contains, except of the recordings
    `unfinished`."""
    return replace(
        registry,
        hearings={
            key: h
            for key, h in registry.hearings.items()
            if h.voice_id != FORGOTTEN or is_stale(registry, h) or h.recording_id in unfinished
        },
    )


def digest_term(hearing_id: str, term: str) -> str:
    """Digest what people call a voice (16 hexadecimal digits of a SHA-256), to recognise it without keeping it."""
    return hashlib.sha256(f"{hearing_id}\0{term.casefold()}".encode()).hexdigest()[:16]


def make_voice_id(recording_id: str, label: str, taken: Collection[str]) -> str:
    """Derive an unused voice id from the recording and the label; the same again for a retried run."""
    number = 0
    while True:
        digest = hashlib.sha256(f"{recording_id}/{label}/{number}".encode()).digest()
        voice_id = "v" + base64.b32encode(digest).decode().lower()[:8]
        if voice_id not in taken:
            return voice_id
        number += 1


def collect_voice_ids(registry: VoiceRegistry) -> set[str]:
    """Collect all voice ids of the registry, with those that undoing a correction would bring back."""
    return {*registry.voices, *(v for c in registry.corrections for v in find_affected_voices(c))}


def find_affected_voices(entry: Correction) -> set[str]:
    """Find the ids of all voices that a correction changed."""
    change = json.loads(entry.change)
    about = {*change["voices"], *change["added"].values()} | {
        v for p in (*change["apart"], *change["together"]) for v in p
    }
    return about | {str(d[0]) for both in change["hearings"].values() for d in both}


def make_hearing_id(out: str, recording_id: str, label: str, voice_id: str) -> str:
    return hashlib.sha256("\0".join((out, recording_id, label, voice_id)).encode()).hexdigest()[:16]


def display_name(registry: VoiceRegistry, voice_id: str) -> str:
    """Return the voice's name, or its id where it has none."""
    voice = registry.voices.get(voice_id)
    return voice.name if voice and voice.name else voice_id


def check_name_is_free(registry: VoiceRegistry, name: str | None, voice_id: str | None) -> None:
    """Raise UsageError if another voice has this name (case-insensitive)."""
    for other in registry.voices.values():
        if name and other.voice_id != voice_id and (other.name or "").casefold() == name.casefold():
            raise UsageError(
                f"{name!r} is the name of another voice, {other.voice_id}. If they are one person: daylong speakers "
                f"merge {other.voice_id} {voice_id or 'VOICE'}; if not, give a name that tells them apart."
            )
