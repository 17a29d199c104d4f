"""Rebuild the voice registry from published tables, which hold each speaker's embedding, voice and name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from flows.speakers.published import find_published_run, make_match_rule
from flows.speakers.republish import Say, republish_stale
from tasks.dataset import read
from tasks.errors import DaylongError
from tasks.records import UNKNOWN
from tasks.settings.schema import Settings
from tasks.sharing.copies import name_place
from tasks.voices.identify import MeasuredSpeaker, RecordingVoices, enter_recording, make_hearing
from tasks.voices.invariants import digest_identity
from tasks.voices.match import MatchRule
from tasks.voices.records import Hearing, KnownVoice, SpeakerIdentity, VoiceRegistry
from tasks.voices.store import open_registry


def rebuild(store: Path, out: Path, settings: Settings, say: Say) -> tuple[int, list[str]]:
    """Add the recordings published under `out` that the registry lacks; return how many, and lines on faults.

    In the order of their dates. A speaker with a voice in the tables keeps it, with its name; the others are matched,
    and their tables are written again.
    """
    learned, faults = 0, []
    rule = make_match_rule(settings)
    with open_registry(store, find_published_run) as handle:
        registry = handle.registry
        for row in read.recordings(out):
            recording_id, run_id = row["recording_id"], row["run_id"]
            if any(h.run_id == run_id for h in registry.of_recording(name_place(out), recording_id)):
                continue
            try:
                speakers = read.read_speakers(out, row)
            except (DaylongError, OSError) as error:
                faults.append(f"{recording_id}: {error}")
                continue
            registry = _add_recording(registry, name_place(out), row, speakers, rule)
            learned += 1
        if learned:
            handle.commit(registry)
    return learned, faults + republish_stale(store, say)


def _add_recording(
    registry: VoiceRegistry, out: str, row: Mapping[str, Any], speakers: list[dict[str, Any]], rule: MatchRule
) -> VoiceRegistry:
    embedder = json.loads(row["models"]).get("embedding", "")
    heard = tuple(
        MeasuredSpeaker(s["speaker"], s["turn_s"], np.trim_zeros(np.array(s["embedding"], np.float32), "b"))
        for s in speakers
        if s["embedding"] is not None and s["speaker"] != UNKNOWN
    )
    visit = RecordingVoices(
        out, row["recording_id"], row["run_id"], row["source_name"], str(row["recorded_date"]), embedder, heard
    )
    identified = {s["speaker"]: s for s in speakers if s["voice_id"]}
    if not identified:
        return enter_recording(registry, visit, {}, rule)[0]
    voices, hearings = dict(registry.voices), dict(registry.hearings)
    for each in heard:
        if each.label in identified:
            hearing = _restore_hearing(visit, each, identified[each.label])
            name = identified[each.label]["speaker_name"]
            taken = any(v.name == name and v.voice_id != hearing.voice_id for v in voices.values())
            before = voices.get(hearing.voice_id, KnownVoice(hearing.voice_id))
            voices[hearing.voice_id] = before._replace(name=before.name or (None if taken else name))
            hearings[hearing.hearing_id] = hearing
    return replace(registry, voices=voices, hearings=hearings)


def _restore_hearing(visit: RecordingVoices, heard: MeasuredSpeaker, row: Mapping[str, Any]) -> Hearing:
    known = SpeakerIdentity(
        row["voice_id"], row["speaker_name"], row["voice_similarity"], row["maybe_voice_id"], row["maybe_name"]
    )
    return make_hearing(visit, heard, row["voice_id"])._replace(
        by="hand" if row["speaker_name"] else "match" if row["voice_similarity"] is not None else "new",
        similarity=row["voice_similarity"],
        maybe=row["maybe_voice_id"],
        shown=digest_identity(known),
    )
