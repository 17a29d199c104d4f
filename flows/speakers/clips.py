"""Write a clip of a few seconds of each voice, for people to check an identification by listening."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tasks.audio.decode import load
from tasks.audio.opus import encode_opus
from tasks.intervals import Span
from tasks.records import Audio, Transcript, Turn
from tasks.sharing.copies import name_place
from tasks.storage import files
from tasks.storage.atomic import write_atomically
from tasks.voices.records import VoiceRegistry
from tasks.voices.store import CLIPS, select_hearings_with_clips

log = logging.getLogger("daylong.voices")

CLIP_S = 6.0


def write_clips(
    store: Path, registry: VoiceRegistry, transcript: Transcript, out: Path, sounds: Sequence[Audio]
) -> None:
    """Write the missing clips of a recording's speakers, among the hearings selected for clips.

    `sounds`: what the engines heard, one for each channel of the turns. Failures are logged, not raised: a clip is
    optional.
    """
    wanted = select_hearings_with_clips(registry)
    for hearing in registry.of_recording(name_place(out), transcript.recording.recording_id):
        turn = select_clip(transcript, hearing.speaker)
        if hearing.hearing_id in wanted and turn is not None:
            write_clip(store, hearing.hearing_id, transcript.recording.source_name, sounds[turn.channel], turn.span)


def write_clip(store: Path, hearing_id: str, name: str, sound: Audio, span: Span) -> None:
    """Write the span of a recording's `sound` as Ogg Opus, unless the hearing already has a clip; `name`: of the
    recording."""
    target = store / CLIPS / f"{hearing_id}.ogg"
    if target.exists():
        return
    try:
        files.make_folder(target.parent)
        write_atomically(target, encode_opus([load(sound, span)]))
    except Exception as error:
        log.warning("no clip of a voice in %s could be made (%s)", name, error)


def select_clip(transcript: Transcript, label: str) -> Turn | None:
    """Select at most `CLIP_S` seconds from the middle of the speaker's longest turn without overlap; None without
    one."""
    turns = [t for t in transcript.turns if t.speaker == label and not t.is_overlap]
    if not turns:
        return None
    longest = max(turns, key=lambda t: t.span.duration_s)
    start_s = max(longest.start_s, longest.span.middle_s - CLIP_S / 2)
    return replace(longest, start_s=start_s, end_s=min(longest.end_s, start_s + CLIP_S))
