"""What was found in a recording, in the form that is scored: from a Transcript, or from its exported files."""

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
class Hypothesis:
    """`utterances` are single words where they come from the tables, whole segments where from SegLST."""

    recording_id: str
    source_name: str | None
    turns: tuple[Turn, ...]
    utterances: tuple[Utterance, ...]
    words: tuple[Word, ...] = ()
    """With their confidences; from the tables only."""


def from_transcript(transcript: Transcript) -> Hypothesis:
    """Words without a speaker (diarization off) are one stream, as in the exports."""
    return Hypothesis(
        transcript.recording.recording_id,
        transcript.recording.source_name,
        transcript.turns,
        tuple(Utterance(w.start_s, w.end_s, w.speaker or UNKNOWN, w.text) for w in transcript.words),
        transcript.words,
    )


def from_exports(folder: Path) -> Hypothesis:
    """From `transcript.rttm` and, where it is there, `transcript.seglst.json` of one recording."""
    named = list(read_rttm(folder / RTTM))
    utterances: tuple[Utterance, ...] = ()
    path = folder / SEGLST
    if path.is_file():
        utterances = tuple(said for _, said in read_seglst(path))
    recording_id = named[0][0] if named else folder.resolve().name
    return Hypothesis(recording_id, None, tuple(turn for _, turn in named), utterances)


def fits(reference: str, recording_id: str, source_name: str | None) -> bool:
    """Whether a reference's name for its recording means this one.

    It may be the file's name, with its ending or without, or the recording's id, with the digest or without;
    capitals and punctuation don't count.

    >>> fits("Round Table", "round-table-0123abcd", "Round Table.opus")
    True
    >>> fits("round", "round-table-0123abcd", "Round Table.opus")
    False
    """
    names = {recording_id, _DIGEST.sub("", recording_id)}
    if source_name is not None:
        names |= {source_name, PurePath(source_name).stem}
    return _plain(reference) in {_plain(name) for name in names}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")
