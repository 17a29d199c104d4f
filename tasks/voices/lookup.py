"""Find voices by what people type, and summarize them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.errors import UsageError
from tasks.voices.invariants import digest_term, list_forgotten
from tasks.voices.records import FORGOTTEN, Hearing, Vector, VoiceRegistry, order_pair

MAX_NAME_CHARACTERS = 60
"""Longest name, in characters."""
INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0"
"""Unicode letters without a glyph."""
JOINERS = "\u200c\u200d"
"""Invisible joiners that emoji and Persian names need."""


@dataclass(frozen=True, slots=True)
class VoiceSummary:
    """A voice as it is listed. `last`: ISO date of its latest recording. `alike`: mean cosine between its embeddings
    and their mean, None for fewer than two; `nearest`: the voice with the most similar mean, and that cosine."""

    voice_id: str
    name: str | None
    recordings: int
    seconds: float
    last: str
    alike: float | None
    nearest: str | None
    nearest_similarity: float | None
    offers: int


def find_voice(registry: VoiceRegistry, text: str, out: str | None = None) -> str:
    """Find the id of the voice that `text` names: an id or its first characters, a name, `RECORDING/SPEAKER_00`, or,
    with `out`, a label of its only recording. Raises UsageError where no voice, or more than one, fits."""
    if text in registry.voices:
        return text
    by_name = [v.voice_id for v in registry.voices.values() if (v.name or "").casefold() == text.casefold() and text]
    heard = [h for h in registry.hearings.values() if h.speaker and h.voice_id != FORGOTTEN and out in (None, h.out)]
    recording, _, label = text.rpartition("/")
    by_label = sorted({h.voice_id for h in heard if h.speaker == label and h.recording_id.startswith(recording)})
    if not recording and len({h.recording_id for h in heard}) > 1 and by_label:
        raise UsageError(f"{text}: every recording has its own; say which, as in {heard[0].recording_id}/{text}.")
    by_start = [v for v in registry.voices if v.startswith(text)] if len(text) > 2 else []
    for found in (by_name, by_label, by_start):
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{text!r} fits {len(found)} voices: {', '.join(found[:5])}; give more of the id.")
    raise UsageError(f"no voice is called {text!r}; daylong speakers list tells them all.")


def find_forgotten(registry: VoiceRegistry, text: str, out: str | None = None) -> list[Hearing]:
    """Find the hearings, whose erasure isn't finished, of the forgotten voice that `text` named."""
    return [
        h
        for h in list_forgotten(registry)
        if out in (None, h.out)
        and (
            digest_term(h.hearing_id, text) in h.forgotten_as.split()
            or (h.speaker and text == f"{h.recording_id}/{h.speaker}")
        )
    ]


def find_hearings(registry: VoiceRegistry, voice_id: str, text: str) -> list[str]:
    """Find the ids of the voice's hearings in the recording that `text` names: its id or the start of it, or
    `RECORDING/SPEAKER_00`.

    Raises UsageError where the voice has no hearing there, or more than one recording fits."""
    recording, _, label = text.partition("/")
    found = [
        h
        for h in registry.of_voice(voice_id)
        if h.out and recording and h.recording_id.startswith(recording) and label in ("", h.speaker)
    ]
    ids = sorted({h.recording_id for h in found})
    if len(ids) > 1 and recording not in ids:
        raise UsageError(f"{text!r} fits {len(ids)} recordings: {', '.join(ids[:5])}; give more of the id.")
    found = [h for h in found if len(ids) == 1 or h.recording_id == recording]
    if not found:
        there = ", ".join(sorted({h.recording_id for h in registry.of_voice(voice_id) if h.out})[:5]) or "none"
        raise UsageError(f"{text}: the voice was not heard there; it was in {there}.")
    return [h.hearing_id for h in found]


def find_by_name(registry: VoiceRegistry, name: str | None) -> str | None:
    """Find the id of the voice with this name (case-insensitive); None without one."""
    return next(
        (v.voice_id for v in registry.voices.values() if name and (v.name or "").casefold() == name.casefold()), None
    )


def normalize_name(name: str) -> str:
    """Normalize a name to NFC and single spaces. Raises UsageError for what can't be a name."""
    kept = " ".join(unicodedata.normalize("NFC", name).split())
    odd = [c for c in kept if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in JOINERS]
    seen = [c for c in kept if unicodedata.category(c)[0] in "LNPS" and c not in INVISIBLE_LETTERS]
    if not seen or len(kept) > MAX_NAME_CHARACTERS or odd:
        raise UsageError(
            f"{name!r} can't be a name: one line of 1 to {MAX_NAME_CHARACTERS} characters, "
            "without control characters."
        )
    if kept.upper().startswith("SPEAKER_") or kept.upper() == "UNKNOWN":
        raise UsageError(f"{name!r} can't be a name: the tables call speakers so whom nobody has named.")
    return kept


def summarize_voices(registry: VoiceRegistry, out: str | None = None) -> list[VoiceSummary]:
    """Summarize all voices, or those with hearings under `out`; named ones first by name, then by seconds spoken."""
    heard: dict[str, list[Hearing]] = {key: [] for key in registry.voices}
    for hearing in registry.hearings.values():
        if hearing.voice_id != FORGOTTEN:
            heard[hearing.voice_id].append(hearing)
    means = _mean_embeddings(heard)
    near = _find_nearest(means)
    rows = [
        _summarize_voice(registry, key, found, means, near)
        for key, found in heard.items()
        if out is None or any(h.out == out for h in found)
    ]
    return sorted(rows, key=lambda r: (r.name is None, (r.name or "").casefold(), -r.seconds, r.voice_id))


def list_offers(registry: VoiceRegistry) -> list[Hearing]:
    """List the hearings with an open offer, most similar first."""
    open_ = [h for h in registry.hearings.values() if h.maybe in registry.voices]
    return sorted(open_, key=lambda h: (-(h.maybe_similarity or 0.0), h.hearing_id))


def list_possible_duplicates(registry: VoiceRegistry) -> list[tuple[str, str]]:
    """List pairs of voices that may be the same person and have no open offer; in each pair the named voice, or the
    one with more hearings, first."""
    offered = {order_pair(h.voice_id, h.maybe) for h in list_offers(registry) if h.maybe}
    weight = {v: (registry.voices[v].name is not None, len(registry.of_voice(v))) for p in registry.alike for v in p}
    return [(p[1], p[0]) if weight[p[1]] > weight[p[0]] else p for p in sorted(registry.alike - offered)]


def _summarize_voice(
    registry: VoiceRegistry,
    voice_id: str,
    heard: Sequence[Hearing],
    means: dict[str, tuple[str, Vector]],
    near: dict[str, tuple[str, float]],
) -> VoiceSummary:
    recordings: dict[str, float] = {}
    for h in heard:  # the same recording may lie in two folders of results
        recordings[h.recording_id] = max(recordings.get(h.recording_id, 0.0), h.seconds)
    embedder, mean = means.get(voice_id, ("", np.zeros(0, np.float32)))
    own = [float(h.embedding @ mean) for h in heard if h.embedder == embedder and len(h.embedding)]
    nearest, similarity = near.get(voice_id, (None, None))
    return VoiceSummary(
        voice_id=voice_id,
        name=registry.voices[voice_id].name,
        recordings=len(recordings),
        seconds=sum(recordings.values()),
        last=max((h.heard_on for h in heard), default=""),
        alike=float(np.mean(own)) if len(own) > 1 else None,
        nearest=nearest,
        nearest_similarity=similarity,
        offers=sum(h.maybe is not None for h in heard),
    )


def _mean_embeddings(heard: dict[str, list[Hearing]]) -> dict[str, tuple[str, Vector]]:
    """Average each voice's embeddings of its most frequent speaker model; (embedder, unit vector) by voice id."""
    out = {}
    for key, found in heard.items():
        models = [h.embedder for h in found if len(h.embedding)]
        if models:
            most = max(sorted(set(models)), key=models.count)
            total = np.sum([h.embedding for h in found if h.embedder == most and len(h.embedding)], axis=0)
            out[key] = most, (total / max(float(np.linalg.norm(total)), 1e-9)).astype(np.float32)
    return out


def _find_nearest(means: dict[str, tuple[str, Vector]]) -> dict[str, tuple[str, float]]:
    found = {}
    for embedder in {e for e, _ in means.values()}:
        keys = [k for k, (e, v) in means.items() if e == embedder]
        size = max(len(means[k][1]) for k in keys)
        table = np.array([np.pad(means[k][1], (0, size - len(means[k][1]))) for k in keys])
        for first in range(0, len(keys), 1000) if len(keys) > 1 else ():
            block = table[first : first + 1000] @ table.T
            block[np.arange(len(block)), first + np.arange(len(block))] = -2.0
            for k, row in enumerate(block):
                found[keys[first + k]] = keys[int(row.argmax())], float(row.max())
    return found
