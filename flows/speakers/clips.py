"""Write a clip of a few seconds of each voice, for people to check an identification by listening."""

from __future__ import annotations

import logging
from pathlib import Path

from tasks.audio.decode import decode
from tasks.audio.opus import encode_opus
from tasks.intervals import Span
from tasks.records import Recording, Transcript
from tasks.sharing.copies import name_place
from tasks.storage import files
from tasks.storage.atomic import write_atomically
from tasks.voices.records import VoiceRegistry
from tasks.voices.store import CLIPS, select_hearings_with_clips

log = logging.getLogger("daylong.voices")

CLIP_S = 6.0


def write_clips(store: Path, registry: VoiceRegistry, transcript: Transcript, out: Path) -> None:
    """Write the missing clips of a recording's speakers, among the hearings selected for clips.

    Failures are logged, not raised: a clip is optional.
    """
    wanted = select_hearings_with_clips(registry)
    for hearing in registry.of_recording(name_place(out), transcript.recording.recording_id):
        span = select_clip_span(transcript, hearing.speaker)
        if hearing.hearing_id in wanted and span is not None:
            write_clip(store, hearing.hearing_id, transcript.recording, span)


def write_clip(store: Path, hearing_id: str, recording: Recording, span: Span) -> None:
    """Write the span as Ogg Opus, unless the hearing already has a clip."""
    target = store / CLIPS / f"{hearing_id}.ogg"
    if target.exists():
        return
    try:
        files.make_folder(target.parent)
        write_atomically(target, encode_opus([decode(recording.parts, span)]))
    except Exception as error:
        log.warning("no clip of a voice in %s could be made (%s)", recording.source_name, error)


def select_clip_span(transcript: Transcript, label: str) -> Span | None:
    """Select at most `CLIP_S` seconds from the middle of the speaker's longest turn without overlap; None without
    one."""
    turns = [t.span for t in transcript.turns if t.speaker == label and not t.is_overlap]
    if not turns:
        return None
    longest = max(turns, key=lambda s: s.duration_s)
    start_s = max(longest.start_s, longest.middle_s - CLIP_S / 2)
    return Span(start_s, min(longest.end_s, start_s + CLIP_S))
