"""Identify a recording's speakers among the known voices and name them while the recording is published."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from flows.locations import resolve_voices
from flows.speakers.clips import write_clips
from flows.speakers.published import apply_identities, clear_embeddings, find_published_run, make_match_rule
from flows.speakers.republish import republish_stale
from tasks.canonical import find_recorded_date
from tasks.dataset import read
from tasks.errors import DaylongError
from tasks.intervals import Span
from tasks.records import UNKNOWN, Audio, Transcript
from tasks.settings.schema import Settings
from tasks.sharing.copies import locate_place, name_place
from tasks.voices.carry import match_by_embedding, match_by_time
from tasks.voices.identify import MeasuredSpeaker, RecordingVoices, enter_recording
from tasks.voices.invariants import find_stale_recordings, list_forgotten
from tasks.voices.records import VoiceRegistry
from tasks.voices.store import open_registry

log = logging.getLogger("daylong.voices")

MAX_REPUBLISHED = 3
"""Most stale recordings that one run republishes (a crashed correction leaves them behind)."""


@contextmanager
def name_speakers(
    transcript: Transcript, out: Path, settings: Settings, embedder: str, sounds: Sequence[Audio]
) -> Iterator[Transcript]:
    """Yield the transcript with the identities of its speakers, to be published under `out` in the `with` block.

    `embedder`: name and digest of the weights of the speakers' embeddings. `sounds`: what the engines heard, one for
    each channel of the turns. The registry is locked during the block,
    and committed after it; if the block fails, the registry stays as it was.
    """
    store = resolve_voices(settings)
    measured = any(s.embedding for s in transcript.speakers)
    if settings.voices.mode == "never" or not (measured or (transcript.speakers and store.is_dir())):
        yield transcript
        return
    recording = transcript.recording
    with open_registry(store, find_published_run) as handle:
        visit = RecordingVoices(
            out=name_place(out),
            recording_id=recording.recording_id,
            run_id=transcript.run.run_id,
            source_name=recording.source_name,
            heard_on=find_recorded_date(transcript).isoformat(),
            embedder=embedder,
            speakers=tuple(
                MeasuredSpeaker(s.label, s.turn_s, np.array(s.embedding, np.float32))
                for s in transcript.speakers
                if s.label != UNKNOWN
            ),
        )
        earlier = _match_earlier_speakers(handle.registry, visit, transcript)
        registry, known = enter_recording(handle.registry, visit, earlier, make_match_rule(settings))
        if any((h.out, h.recording_id) == (visit.out, visit.recording_id) for h in list_forgotten(registry)):
            transcript = clear_embeddings(transcript, {s.label for s in transcript.speakers} - known.keys())
        handle.prepare(registry, visit.out, visit.recording_id, visit.run_id)
        yield apply_identities(transcript, known)
        handle.commit(registry)
        write_clips(handle.folder, registry, transcript, out, sounds)
        due = find_stale_recordings(registry)
    if due:
        try:
            lines = republish_stale(store, settings=settings, most=MAX_REPUBLISHED)
        except (DaylongError, OSError) as error:  # this recording is published; the others stay stale
            lines = [str(error)]
        for line in lines:
            log.warning("%s", line)


def _match_earlier_speakers(
    registry: VoiceRegistry, visit: RecordingVoices, transcript: Transcript
) -> dict[str, str]:
    """Map the transcript's labels to those of the recording's hearings in the registry: by speech time, if the
    hearings are of the published run; else by embeddings of the same model."""
    before = read.read_turns(locate_place(visit.out), visit.recording_id)
    if before is None or before[0] not in {h.run_id for h in registry.of_recording(visit.out, visit.recording_id)}:
        heard = {s.label: np.array(s.embedding, np.float32) for s in transcript.speakers if s.embedding}
        of = registry.of_recording(visit.out, visit.recording_id)
        return match_by_embedding({h.speaker: h.embedding for h in of if h.embedder == visit.embedder}, heard)
    now: dict[str, list[Span]] = {}
    for turn in transcript.turns:
        if turn.speaker != UNKNOWN:
            now.setdefault(turn.speaker, []).append(turn.span)
    return match_by_time({label: spans for label, spans in before[1].items() if label != UNKNOWN}, now)
