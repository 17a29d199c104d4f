"""List what forgetting a voice does not remove: spoken words and names of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.dataset import read
from tasks.errors import DaylongError
from tasks.voices.records import Hearing


def list_remains(name: str | None, heard: Sequence[Hearing]) -> Iterator[str]:
    """List, in lines for people, what stays of a forgotten voice: transcripts, and where the name is spoken or part
    of a file's name."""
    yield "What they said stays, under SPEAKER_…: words are the recording's. So do the recordings themselves, and"
    yield "copies that were made elsewhere (daylong export --to, --out folders that are not there now)."
    if not name:
        return
    for out, recording_id in sorted({(h.out, h.recording_id) for h in heard if h.out}):
        try:
            transcript = read.read_transcript(Path(out), recording_id)
        except DaylongError:
            continue
        spoken = sum(s.text.casefold().count(name.casefold()) for s in transcript.segments)
        if spoken:
            yield f"The name is spoken {spoken} times in {recording_id}."
        if name.casefold() in transcript.recording.source_name.casefold():
            yield f"The name is in the name of the file {transcript.recording.source_name}."
