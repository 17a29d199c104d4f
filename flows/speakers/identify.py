"""Speakers named: a recording's voices found among those known, as it is published."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from flows.locations import voices_of
from flows.speakers.clips import keep_clips
from flows.speakers.published import published_run, rule_of, with_names
from flows.speakers.republish import bring_up_to_date
from tasks.canonical import recorded_date
from tasks.dataset import read
from tasks.errors import DaylongError
from tasks.intervals import Span
from tasks.records import UNKNOWN, Transcript
from tasks.settings.schema import Settings
from tasks.voices.carry import match_by_embedding, match_by_time
from tasks.voices.identify import MeasuredSpeaker, RecordingVoices, enter_recording
from tasks.voices.invariants import find_stale_recordings
from tasks.voices.records import VoiceRegistry
from tasks.voices.store import open_registry

log = logging.getLogger("daylong.voices")

A_FEW = 3
"""Recordings that a run tells of corrections which a process that died left half told."""


@contextmanager
def named(transcript: Transcript, out: Path, settings: Settings, embedder: str) -> Iterator[Transcript]:
    """The transcript whose speakers have the voices and names that are known of them, to be published under `out`
    meanwhile. `embedder`: name and digest of what measured their voices.

    The voices are kept once it is; where that fails, they stay as they were. Nobody else names speakers meanwhile.
    """
    store = voices_of(settings)
    measured = any(s.embedding for s in transcript.speakers)
    if settings.voices.mode == "never" or not (measured or (transcript.speakers and store.is_dir())):
        yield transcript
        return
    recording = transcript.recording
    with open_registry(store, published_run) as handle:
        visit = RecordingVoices(
            out=str(out.resolve()),
            recording_id=recording.recording_id,
            run_id=transcript.run.run_id,
            source_name=recording.source_name,
            heard_on=recorded_date(transcript).isoformat(),
            embedder=embedder,
            speakers=tuple(
                MeasuredSpeaker(s.label, s.turn_s, np.array(s.embedding, np.float32))
                for s in transcript.speakers
                if s.label != UNKNOWN
            ),
        )
        registry, known = enter_recording(
            handle.registry, visit, _same_as_before(handle.registry, visit, transcript), rule_of(settings)
        )
        handle.prepare(registry, visit.out, visit.recording_id, visit.run_id)
        yield with_names(transcript, known)
        handle.commit(registry)
        keep_clips(handle.folder, registry, transcript, out.resolve())
        due = find_stale_recordings(registry)
    if due:
        try:
            lines = bring_up_to_date(store, settings=settings, most=A_FEW)
        except (DaylongError, OSError) as error:  # this recording is published: others' can wait
            lines = [str(error)]
        for line in lines:
            log.warning("%s", line)


def _same_as_before(registry: VoiceRegistry, visit: RecordingVoices, transcript: Transcript) -> dict[str, str]:
    """Map the transcript's labels to those of the recording's hearings in the registry: by speech time, if the
    hearings are of the published run; else by embeddings of the same model."""
    before = read.turns_of(Path(visit.out), visit.recording_id)
    if before is None or before[0] not in {h.run_id for h in registry.of_recording(visit.out, visit.recording_id)}:
        heard = {s.label: np.array(s.embedding, np.float32) for s in transcript.speakers if s.embedding}
        of = registry.of_recording(visit.out, visit.recording_id)
        return match_by_embedding({h.speaker: h.embedding for h in of if h.embedder == visit.embedder}, heard)
    now: dict[str, list[Span]] = {}
    for turn in transcript.turns:
        if turn.speaker != UNKNOWN:
            now.setdefault(turn.speaker, []).append(turn.span)
    return match_by_time({label: spans for label, spans in before[1].items() if label != UNKNOWN}, now)
