"""The system output that is scored against a reference: read from a Transcript, or from its exported files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from tasks.evaluation.line_formats import read_rttm
from tasks.evaluation.segment_formats import read_seglst
from tasks.evaluation.utterances import Utterance
from tasks.records import UNKNOWN, Transcript, Turn, Word

RTTM, SEGLST = "transcript.rttm", "transcript.seglst.json"

_DIGEST = re.compile(r"-[0-9a-f]{8}$")


@dataclass(frozen=True, slots=True)
class SystemOutput:
    """Turns and utterances of one recording; utterances are single words from tables, segments from SegLST."""

    recording_id: str
    source_name: str | None
    turns: tuple[Turn, ...]
    utterances: tuple[Utterance, ...]
    words: tuple[Word, ...] = ()
    """With confidences; only from tables."""


def read_from_transcript(transcript: Transcript) -> SystemOutput:
    """Read a transcript; words without a speaker (diarization off) go to one speaker, UNKNOWN, as in the exports."""
    return SystemOutput(
        transcript.recording.recording_id,
        transcript.recording.source_name,
        transcript.turns,
        tuple(Utterance(w.start_s, w.end_s, w.speaker or UNKNOWN, w.text) for w in transcript.words),
        transcript.words,
    )


def read_from_exports(folder: Path) -> SystemOutput:
    """Read `transcript.rttm` and, where present, `transcript.seglst.json` of one recording's exports."""
    named = list(read_rttm(folder / RTTM))
    utterances: tuple[Utterance, ...] = ()
    path = folder / SEGLST
    if path.is_file():
        utterances = tuple(said for _, said in read_seglst(path))
    recording_id = named[0][0] if named else folder.resolve().name
    return SystemOutput(recording_id, None, tuple(turn for _, turn in named), utterances)


def matches_recording(reference: str, recording_id: str, source_name: str | None) -> bool:
    """Whether a reference's name for its recording matches this one.

    It may be the file's name, with or without its suffix, or the recording's id, with or without the digest; case
    and punctuation are ignored.

    >>> matches_recording("Round Table", "round-table-0123abcd", "Round Table.opus")
    True
    >>> matches_recording("round", "round-table-0123abcd", "Round Table.opus")
    False
    """
    names = {recording_id, _DIGEST.sub("", recording_id)}
    if source_name is not None:
        names |= {source_name, PurePath(source_name).stem}
    return _normalize_name(reference) in {_normalize_name(name) for name in names}


def _normalize_name(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")
