"""Measure a voice for enrolment from a file in which one person speaks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from flows.locations import resolve_device
from flows.recording.preparation import compute_timeout_s, describe_weights
from flows.speakers.clips import CLIP_S
from tasks.audio.decode import decode, reference_audio
from tasks.audio.probe import probe
from tasks.audio.survey import map_corrected
from tasks.audio.task import SILERO
from tasks.canonical import find_recording_start
from tasks.diarization.engines import choose_speaker_engine
from tasks.diarization.windows import cut_windows
from tasks.engines.calls import call, configure
from tasks.errors import PermanentError, UsageError
from tasks.intervals import Span, clip, measure_union_s
from tasks.merging.voices import average_embeddings
from tasks.records import Recording
from tasks.settings.schema import Settings
from tasks.voices.records import Hearing
from tasks.weights import resolve

MIN_SPEECH_S = 3.0
"""Seconds of speech that a voice embedding needs at least."""
PIECE_S = 300.0


def measure_voice(path: Path, settings: Settings) -> tuple[Hearing, tuple[Recording, Span]]:
    """Measure the file's voice; return a hearing with an empty `voice_id`, and (recording, span) for a clip.

    Raises as `probe` does, UsageError without diarization, PermanentError with less than `MIN_SPEECH_S` of speech.
    """
    if not settings.knows_voices:
        raise UsageError("diarization.engine = off: no speaker model measures voices; choose another.")
    device = resolve_device(settings)
    known = resolve.resolve("embedding", settings.diarization.embedding_model)
    configure(settings.models.keep, settings.models.run_in, compute_timeout_s(settings))
    recording = probe(
        path, timezone=settings.timezone, name_pattern=settings.audio.name_pattern, track=settings.audio.track
    )
    duration_s = recording.duration_s

    def detect(block: np.ndarray[tuple[int], np.dtype[np.float32]]) -> list[Span]:
        found: list[Span] = call(SILERO, "find_speech", block).value
        return found

    mapped, correction = map_corrected(reference_audio(recording), detect, duration_s)
    speech = mapped.speech
    if measure_union_s(speech) < MIN_SPEECH_S:
        raise PermanentError(
            f"{path}: {measure_union_s(speech):.1f} s of speech; a voice wants {MIN_SPEECH_S:.0f} s at least."
        )
    model = choose_speaker_engine(known.path, device)
    where, found = [], []
    for start_s in np.arange(0.0, duration_s, PIECE_S):
        span = Span(float(start_s), min(float(start_s) + PIECE_S, duration_s))
        own = cut_windows([Span(s.start_s - span.start_s, s.end_s - span.start_s) for s in clip(speech, span)])
        if len(own):
            where.append(own)
            found.append(call(model, "embed", decode(recording.parts, span, correction=correction), own).value)
    start = find_recording_start(recording)
    hearing = Hearing(
        hearing_id=hashlib.sha256(f"enrolled\0{recording.sha256}".encode()).hexdigest()[:16],
        voice_id="",
        out="",
        recording_id=recording.recording_id,
        run_id="",
        source_name=recording.source_name,
        speaker="",
        seconds=measure_union_s(speech),
        heard_on=start.date().isoformat() if start else "",
        by="enrolled",
        similarity=None,
        maybe=None,
        maybe_similarity=None,
        embedder=describe_weights(known),
        embedding=np.array(average_embeddings(where, found), np.float32),
    )
    longest = max(speech, key=lambda s: s.duration_s)
    return hearing, (recording, Span(longest.start_s, min(longest.end_s, longest.start_s + CLIP_S)))
