"""Corrections by people: rename, merge, split, accept, deny, separate, forget; each returns a new registry."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from tasks.errors import UsageError
from tasks.voices.changes import DECISION_FIELDS, read_names
from tasks.voices.invariants import (
    check_name_is_free,
    collect_voice_ids,
    digest_term,
    display_name,
    find_affected_voices,
    make_voice_id,
    prune_registry,
)
from tasks.voices.records import FORGOTTEN, Correction, Hearing, KnownVoice, VoiceRegistry, order_pair


def rename(registry: VoiceRegistry, voice_id: str, name: str | None) -> VoiceRegistry:
    """Give the voice a name, or remove it (None); offers of other named voices to a named one are withdrawn.

    Raises UsageError for a name that another voice has.
    """
    check_name_is_free(registry, name, voice_id)
    named = {v.voice_id for v in registry.voices.values() if v.name}
    hearings = {
        key: _clear_offer(h) if name and h.voice_id == voice_id and h.maybe in named else h
        for key, h in registry.hearings.items()
    }
    return _add_voices(replace(registry, hearings=hearings), KnownVoice(voice_id, name))


def merge(registry: VoiceRegistry, into: str, others: Sequence[str]) -> VoiceRegistry:
    """Merge the voices `others` into `into`, which keeps its name or takes the first name among the others."""
    others = [v for v in dict.fromkeys(others) if v != into]
    names = [n for v in (into, *others) if (n := registry.voices[v].name)]
    hearings = {
        key: h._replace(voice_id=into, by="hand" if h.by != "enrolled" else h.by, similarity=None)
        if h.voice_id in others
        else h
        for key, h in registry.hearings.items()
    }
    hearings = {key: h._replace(maybe=into) if h.maybe in others else h for key, h in hearings.items()}
    hearings = {key: _clear_offer(h) if h.maybe == h.voice_id else h for key, h in hearings.items()}
    apart, alike = (
        frozenset(q for p in pairs if (q := order_pair(*(into if v in others else v for v in p)))[0] != q[1])
        for pairs in (registry.apart, registry.alike)
    )
    voices = {key: v for key, v in registry.voices.items() if key not in others}
    voices[into] = KnownVoice(into, names[0] if names else None)
    return replace(registry, voices=voices, hearings=hearings, apart=apart, alike=alike)


def split(
    registry: VoiceRegistry, hearing_ids: Sequence[str], to: str | None = None, name: str | None = None
) -> VoiceRegistry:
    """Move hearings of one voice to the voice `to`, or to a new one called `name`, and mark the two as different.

    Raises UsageError where a new voice would take all hearings of the old one.
    """
    first = registry.hearings[hearing_ids[0]]
    left = [h for h in registry.of_voice(first.voice_id) if h.hearing_id not in hearing_ids]
    if to is None:
        if not left:
            raise UsageError(
                f"{display_name(registry, first.voice_id)} was heard nowhere else: that is the whole voice; "
                "`daylong speakers rename` gives it another name."
            )
        check_name_is_free(registry, name, None)
        to = make_voice_id(first.recording_id, first.speaker, collect_voice_ids(registry))
        registry = _add_voices(registry, KnownVoice(to, name))
    moved = {
        key: _clear_offer(registry.hearings[key])._replace(voice_id=to, by="hand", similarity=None)
        for key in hearing_ids
    }
    return replace(
        registry,
        hearings={**registry.hearings, **moved},
        apart=registry.apart | {order_pair(first.voice_id, to)} if to != first.voice_id else registry.apart,
    )


def accept(registry: VoiceRegistry, hearing_id: str) -> VoiceRegistry:
    """Accept the offer: merge an unnamed voice into the offered one; of a named voice, move this hearing only."""
    hearing = registry.hearings[hearing_id]
    assert hearing.maybe is not None
    if registry.voices[hearing.voice_id].name is None:
        return merge(registry, hearing.maybe, [hearing.voice_id])
    return split(registry, [hearing_id], to=hearing.maybe)


def deny(registry: VoiceRegistry, hearing_id: str) -> VoiceRegistry:
    """Reject the offer and mark the two voices as different people."""
    hearing = registry.hearings[hearing_id]
    assert hearing.maybe is not None
    no = order_pair(hearing.voice_id, hearing.maybe)
    hearings = {
        key: _clear_offer(h) if h.maybe is not None and order_pair(h.voice_id, h.maybe) == no else h
        for key, h in registry.hearings.items()
    }
    return replace(registry, hearings=hearings, apart=registry.apart | {no})


def separate(registry: VoiceRegistry, one: str, other: str) -> VoiceRegistry:
    """Mark the two voices as different people."""
    return replace(registry, apart=registry.apart | {order_pair(one, other)})


def forget(registry: VoiceRegistry, voice_id: str, asked: Collection[str] = ()) -> VoiceRegistry:
    """Delete the voice: its name, its embeddings and every correction that mentions it.

    Published hearings stay, empty, as `FORGOTTEN` until their recordings are free of the voice, with digests of the
    name, the id and what people `asked` for.
    """
    nothing = np.zeros(0, np.float32)
    terms = sorted({voice_id, registry.voices[voice_id].name or voice_id, *asked})
    hearings = {}
    for key, h in registry.hearings.items():
        if h.voice_id == voice_id:
            if not h.out:
                continue
            h = _clear_offer(h)._replace(
                voice_id=FORGOTTEN,
                by="hand",
                similarity=None,
                embedding=nothing,
                shown="",
                forgotten_as=" ".join(digest_term(key, term) for term in terms),
            )
        hearings[key] = h
    voices = {key: v for key, v in registry.voices.items() if key != voice_id}
    after = replace(registry, voices=voices, hearings=hearings)
    return prune_registry(replace(after, corrections=_drop_corrections(after, voice_id)))


def _drop_corrections(registry: VoiceRegistry, voice_id: str) -> tuple[Correction, ...]:
    """Drop the corrections that mention a forgotten voice, voices merged into it, or one of its names."""
    left, gone, names = list(registry.corrections), {voice_id}, set[str]()
    kept = {v.name for v in registry.voices.values()}
    while mentioning := [c for c in left if _mentions(c, gone, names)]:
        left = [c for c in left if c not in mentioning]
        gone |= {v for c in mentioning for v in find_affected_voices(c) if v not in registry.voices}
        once = {name for c in mentioning for v in gone for name in read_names(c, v)}
        names |= once - kept
    return tuple(left)


def _mentions(entry: Correction, voices: set[str], names: set[str]) -> bool:
    """Whether a correction mentions one of these voices, as an offer too, or one of these names as a whole word."""
    change = json.loads(entry.change)
    offered = {d[DECISION_FIELDS.index("maybe")] for both in change["hearings"].values() for d in both}
    return (
        bool((find_affected_voices(entry) | offered) & voices)
        or any(name in read_names(entry, v) for v in change["voices"] for name in names)
        or any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", entry.what) for name in names | voices)
    )


def _add_voices(registry: VoiceRegistry, *voices: KnownVoice) -> VoiceRegistry:
    return replace(registry, voices={**registry.voices, **{v.voice_id: v for v in voices}})


def _clear_offer(hearing: Hearing) -> Hearing:
    return hearing._replace(maybe=None, maybe_similarity=None)
