"""Record each correction as the difference of two registries, and undo it by that difference."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tasks.errors import UsageError
from tasks.voices.invariants import check_name_is_free, find_affected_voices, prune_registry
from tasks.voices.records import Correction, Hearing, KnownVoice, Pair, VoiceRegistry, order_pair

DECISION_FIELDS = ("voice_id", "by", "similarity", "maybe", "maybe_similarity")
"""Fields of a hearing that a correction can change."""


def record_correction(before: VoiceRegistry, after: VoiceRegistry, *, at: str, kind: str, what: str) -> VoiceRegistry:
    """Append the correction that turned `before` into `after`; return `before` itself if it changed nothing."""
    after = prune_registry(after)
    change = diff_registries(before, after)
    if not any(change.values()):
        return before
    number = 1 + max((c.number for c in before.corrections), default=0)
    entry = Correction(number, at, kind, what, json.dumps(change, ensure_ascii=False))
    return replace(after, corrections=(*before.corrections, entry))


def undo(registry: VoiceRegistry, number: int | None = None) -> tuple[VoiceRegistry, Correction]:
    """Undo a correction, the last one by default; return the registry and that correction.

    Hearings entered since are kept. Raises UsageError where there is nothing to undo, or where a later correction
    affects the same voices.
    """
    open_ = [c for c in registry.corrections if not c.undone]
    wanted = [c for c in open_ if number is None or c.number == number]
    if not wanted:
        raise UsageError(
            "there is no correction to undo." if number is None else f"there is no correction {number} to undo."
        )
    entry = wanted[-1]
    about = find_affected_voices(entry)
    later = [c for c in open_ if c.number > entry.number and about & find_affected_voices(c)]
    if later:
        raise UsageError(
            f"correction {entry.number}: undo {later[-1].number} first, it is about the same voice: {later[-1].what}."
        )
    registry = _revert(registry, json.loads(entry.change))
    marked = tuple(c._replace(undone=True) if c is entry else c for c in registry.corrections)
    return prune_registry(replace(registry, corrections=marked)), entry


def diff_registries(before: VoiceRegistry, after: VoiceRegistry) -> dict[str, Any]:
    """Compare two registries; return, JSON-ready, the names of voices and the `DECISION_FIELDS` of hearings that
    differ, each before and after, added hearings, and pairs of `apart` added or removed."""
    ids = sorted({*before.voices, *after.voices})
    names = {key: [_name(before, key), _name(after, key)] for key in ids}
    return {
        "voices": {key: both for key, both in names.items() if both[0] != both[1]},
        "hearings": {
            key: [_decision(old), _decision(after.hearings[key])]
            for key, old in before.hearings.items()
            if key in after.hearings and _decision(old) != _decision(after.hearings[key])
        },
        "added": {key: h.voice_id for key, h in after.hearings.items() if key not in before.hearings},
        "apart": sorted(map(list, after.apart - before.apart)),
        "together": sorted(map(list, before.apart - after.apart)),
    }


def _revert(registry: VoiceRegistry, change: dict[str, Any]) -> VoiceRegistry:
    hearings, voices = dict(registry.hearings), dict(registry.voices)
    for key, (old, _) in change["voices"].items():
        # One that the correction made stays, nameless, where somebody is heard as it since.
        voices[key] = KnownVoice(key, old["name"] if old else None)
    for key in change["voices"]:
        check_name_is_free(replace(registry, voices=voices), voices[key].name, key)
    for key, (old, new) in change["hearings"].items():
        if key in hearings and hearings[key].voice_id == new[0]:
            hearings[key] = hearings[key]._replace(**dict(zip(DECISION_FIELDS, old, strict=True)))
            voices.setdefault(old[0], KnownVoice(old[0]))
    for key, voice_id in change["added"].items():
        if key in hearings and hearings[key].voice_id == voice_id:
            del hearings[key]
    apart: set[Pair] = (set(registry.apart) - {order_pair(*p) for p in change["apart"]}) | {
        order_pair(*p) for p in change["together"]
    }
    return replace(registry, voices=voices, hearings=hearings, apart=frozenset(apart))


def _name(registry: VoiceRegistry, voice_id: str) -> dict[str, str | None] | None:
    voice = registry.voices.get(voice_id)
    return {"name": voice.name} if voice else None


def _decision(hearing: Hearing) -> list[Any]:
    return [getattr(hearing, name) for name in DECISION_FIELDS]


def read_names(entry: Correction, voice_id: str) -> set[str]:
    """Read the names that a voice had before and after a correction."""
    return {n["name"] for n in json.loads(entry.change)["voices"].get(voice_id, ()) if n and n["name"]}
