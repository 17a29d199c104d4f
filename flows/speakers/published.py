"""Published recordings: find the run of one, and apply the registry's identities to a transcript's speakers."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from tasks.dataset import read
from tasks.dataset.publish import recover
from tasks.records import Speaker, Transcript
from tasks.settings.schema import Settings
from tasks.sharing.copies import locate_place
from tasks.storage.files import is_accessible_folder
from tasks.voices.match import MatchRule
from tasks.voices.records import SpeakerIdentity

log = logging.getLogger("daylong.voices")


def apply_identities(transcript: Transcript, known: Mapping[str, SpeakerIdentity]) -> Transcript:
    """Set the speakers' identities by label; speakers without one become unknown."""
    return replace(
        transcript,
        speakers=tuple(apply_identity(s, known.get(s.label, SpeakerIdentity())) for s in transcript.speakers),
    )


def apply_identity(speaker: Speaker, known: SpeakerIdentity) -> Speaker:
    """Set a speaker's voice, name, similarity and offered match from `known`."""
    return replace(
        speaker,
        name=known.name,
        voice_id=known.voice_id,
        voice_similarity=known.similarity,
        maybe_voice_id=known.maybe,
        maybe_name=known.maybe_name,
    )


def clear_embeddings(transcript: Transcript, labels: Collection[str]) -> Transcript:
    """Remove the embeddings of the speakers with these labels."""
    speakers = (
        replace(s, embedding=(), embedding_model=None) if s.label in labels else s for s in transcript.speakers
    )
    return replace(transcript, speakers=tuple(speakers))


def make_match_rule(settings: Settings) -> MatchRule:
    return MatchRule(settings.voices.threshold, settings.voices.margin)


def find_published_run(out: str, recording_id: str) -> str | None:
    """Find the id of the run whose tables of the recording are published under `out`, after recovering its journal.

    None where the recording isn't published, or the folder is missing. Raises TransientError where neither can be
    determined now.
    """
    folder = locate_place(out)
    if not is_accessible_folder(folder):
        log.warning("%s: not there; whether %s was published in it can't be told", out, recording_id)
        return None
    recover(folder, recording_id)
    row = read.find_row(folder, "", recording_id)
    return None if row is None else str(row["run_id"])
