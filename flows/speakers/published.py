"""Recordings that are published: the run that published one, and its transcript with other names of speakers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tasks.dataset import read
from tasks.dataset.publish import recover
from tasks.records import Speaker, Transcript
from tasks.settings.schema import Settings
from tasks.storage.files import is_there
from tasks.voices.match import MatchRule
from tasks.voices.records import SpeakerIdentity

log = logging.getLogger("daylong.voices")


def with_names(transcript: Transcript, known: Mapping[str, SpeakerIdentity]) -> Transcript:
    """The transcript in which these speakers, by label, are told as they are known, others as unknown."""
    return replace(
        transcript, speakers=tuple(with_voice(s, known.get(s.label, SpeakerIdentity())) for s in transcript.speakers)
    )


def with_voice(speaker: Speaker, known: SpeakerIdentity) -> Speaker:
    """The speaker with the voice, the name and the doubtful match of `known`."""
    return replace(
        speaker,
        name=known.name,
        voice_id=known.voice_id,
        voice_similarity=known.similarity,
        maybe_voice_id=known.maybe,
        maybe_name=known.maybe_name,
    )


def rule_of(settings: Settings) -> MatchRule:
    return MatchRule(settings.voices.threshold, settings.voices.margin)


def published_run(out: str, recording_id: str) -> str | None:
    """The run whose tables of the recording are published under `out`, once what was left unfinished is finished.

    None where there are none, or the folder isn't there. Raises TransientError where that can't be told now.
    """
    folder = Path(out)
    if not is_there(folder):
        log.warning("%s: not there; whether %s was published in it can't be told", out, recording_id)
        return None
    recover(folder, recording_id)
    row = read.row_of(folder, "", recording_id)
    return None if row is None else str(row["run_id"])
