"""List what forgetting a voice does not remove: spoken words and names of files; and what it removes later."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from tasks.dataset import read
from tasks.errors import DaylongError
from tasks.sharing.copies import locate_place
from tasks.storage.files import is_accessible_folder
from tasks.voices.invariants import is_stale, list_forgotten
from tasks.voices.records import Hearing
from tasks.voices.store import read_current_registry


def list_remains(name: str | None, heard: Sequence[Hearing]) -> Iterator[str]:
    """List, in lines for people, what stays of a forgotten voice: transcripts, and where the name is spoken or part
    of a file's name."""
    yield "What they said stays, under SPEAKER_…: words are the recording's. So do the recordings themselves, and"
    yield "copies that were made elsewhere (daylong export --to, --out folders that are not there now)."
    if not name:
        return
    for out, recording_id in sorted({(h.out, h.recording_id) for h in heard if h.out}):
        try:
            transcript = read.read_transcript(locate_place(out), recording_id)
        except DaylongError:
            continue
        spoken = sum(s.text.casefold().count(name.casefold()) for s in transcript.segments)
        if spoken:
            yield f"The name is spoken {spoken} times in {recording_id}."
        if name.casefold() in transcript.recording.source_name.casefold():
            yield f"The name is in the name of the file {transcript.recording.source_name}."


def list_waiting(store: Path, hearing_ids: Collection[str] | None = None) -> list[str]:
    """List, in lines for people, what is left of forgotten voices, or of those with these hearings, and what it waits
    for."""
    registry = read_current_registry(store)
    lines: dict[str, None] = {}
    for h in list_forgotten(registry):
        if hearing_ids is not None and h.hearing_id not in hearing_ids:
            continue
        if is_stale(registry, h):
            why = "" if is_accessible_folder(locate_place(h.out)) else ", a folder that is not there now"
            lines[f"{h.recording_id}: its tables and exports in {h.out}{why}"] = None
        else:
            lines[f"{h.recording_id}: cached results of its steps, for a run under way may use them"] = None
    return list(lines)
