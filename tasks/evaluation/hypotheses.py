"""The system output that is scored against a reference: read from a Transcript, or from its exported files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import UsageError
from tasks.evaluation.line_formats import read_rttm, read_text
from tasks.evaluation.segment_formats import read_seglst
from tasks.evaluation.utterances import Utterance
from tasks.records import UNKNOWN, Transcript, Turn, Word

RTTM, SEGLST, JSON = "transcript.rttm", "transcript.seglst.json", "transcript.json"


@dataclass(frozen=True, slots=True)
class SystemOutput:
    """Turns and utterances of one recording; utterances are single words from tables, segments from SegLST."""

    recording_id: str
    source_name: str | None
    turns: tuple[Turn, ...]
    utterances: tuple[Utterance, ...]
    words: tuple[Word, ...] = ()
    """With confidences; only from tables."""
    language: str | None = None
    """The recording's main language, Whisper's code; None where it is not known."""
    duration_s: float | None = None
    """The recording's length; None where it is not known."""


def read_from_transcript(transcript: Transcript) -> SystemOutput:
    """Read a transcript; words without a speaker (diarization off) go to one speaker, UNKNOWN, as in the exports."""
    return SystemOutput(
        transcript.recording.recording_id,
        transcript.recording.source_name,
        transcript.turns,
        tuple(Utterance(w.start_s, w.end_s, w.speaker or UNKNOWN, w.text) for w in transcript.words),
        transcript.words,
        transcript.run.language,
        transcript.recording.duration_s,
    )


def read_from_exports(folder: Path) -> SystemOutput:
    """Read `transcript.rttm` and, where present, `transcript.seglst.json` and `transcript.json` of one recording's
    exports. Raises UsageError for a file that cannot be read."""
    named = [(name, entry) for name, entry in read_rttm(folder / RTTM) if isinstance(entry, Turn)]
    utterances: tuple[Utterance, ...] = ()
    path = folder / SEGLST
    if path.is_file():
        utterances = tuple(said for _, said in read_seglst(path))
    head = _read_head(folder / JSON)
    recording = head.get("recording", {})
    return SystemOutput(
        named[0][0] if named else recording.get("recording_id", folder.resolve().name),
        recording.get("source_name"),
        tuple(turn for _, turn in named),
        utterances,
        language=head.get("language"),
        duration_s=recording.get("duration_s"),
    )


def _read_head(path: Path) -> dict[str, Any]:
    """What `transcript.json` says of the recording; empty where there is none."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path}: not a transcript in JSON ({error}).") from None
    return content if isinstance(content, dict) else {}
