"""A few seconds of each voice, to listen to before one believes."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from tasks.audio.decode import decode
from tasks.audio.opus import opus_of
from tasks.intervals import Span
from tasks.records import Recording, Transcript
from tasks.storage import files
from tasks.voices.records import VoiceRegistry
from tasks.voices.store import CLIPS, select_hearings_with_clips

log = logging.getLogger("daylong.voices")

LENGTH_S = 6.0


def keep_clips(store: Path, registry: VoiceRegistry, transcript: Transcript, out: Path) -> None:
    """Clips of a recording's speakers that the store wants and hasn't got. Without one a voice is only less known:
    what can't be read is logged."""
    wanted = select_hearings_with_clips(registry)
    for hearing in registry.of_recording(str(out), transcript.recording.recording_id):
        span = best(transcript, hearing.speaker)
        if hearing.hearing_id in wanted and span is not None:
            keep_clip(store, hearing.hearing_id, transcript.recording, span)


def keep_clip(store: Path, hearing_id: str, recording: Recording, span: Span) -> None:
    """The span as Ogg Opus, unless there is a clip of the hearing."""
    target = store / CLIPS / f"{hearing_id}.ogg"
    if target.exists():
        return
    try:
        files.make_folder(target.parent)
        aside = target.with_name(f".{hearing_id}.{os.getpid()}")
        files.write(aside, opus_of([decode(recording.parts, span)]))
        files.move(aside, target)
    except Exception as error:
        log.warning("no clip of a voice in %s could be made (%s)", recording.source_name, error)


def best(transcript: Transcript, label: str) -> Span | None:
    """Where to listen to a speaker: the middle of the longest turn that nobody else speaks in."""
    turns = [t.span for t in transcript.turns if t.speaker == label and not t.is_overlap]
    if not turns:
        return None
    longest = max(turns, key=lambda s: s.duration_s)
    start_s = max(longest.start_s, longest.middle_s - LENGTH_S / 2)
    return Span(start_s, min(longest.end_s, start_s + LENGTH_S))
