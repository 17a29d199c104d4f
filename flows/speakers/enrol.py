"""Measure a voice for enrolment from a file in which one person speaks."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.locations import resolve_device
from flows.recording.preparation import describe_weights, place_engines
from flows.speakers.clips import CLIP_S
from tasks.audio.decode import decode, reference_audio
from tasks.audio.detectors import SILERO
from tasks.audio.probe import probe
from tasks.audio.survey import map_corrected
from tasks.canonical import find_recording_start
from tasks.diarization.engines import choose_speaker_engine
from tasks.diarization.tracks import Tracks
from tasks.diarization.window_clusters import cluster_windows
from tasks.diarization.windows import cut_windows
from tasks.engines.calls import call, default_pool
from tasks.errors import PermanentError, UsageError
from tasks.intervals import Span, clip, format_clock, measure_union_s
from tasks.merging.voices import average_embeddings
from tasks.records import Audio
from tasks.settings.schema import Settings
from tasks.tiling import tile_speech
from tasks.voices.records import Hearing
from tasks.weights import resolve

MIN_SPEECH_S = 3.0
"""Seconds of speech that a voice embedding needs at least."""
PIECE_S = 300.0
MAX_VOICES = 8

log = logging.getLogger("daylong.voices")


class HeardVoice(NamedTuple):
    """One of the voices in a file: seconds of its speech, and where it begins."""

    seconds: float
    first_s: float


def list_voices(
    windows: NDArray[np.float64], embeddings: NDArray[np.float32], speech: Sequence[Span]
) -> list[HeardVoice]:
    """List the voices of at least `MIN_SPEECH_S` in a file's speech, in order of appearance.

    `windows` (N, 2): starts and ends in seconds; `embeddings` (N, D), of unit length. They are clustered as those of
    a chunk without a segmentation.
    """
    one = Tracks(np.zeros((0, 3)), windows, np.zeros(len(windows), np.int64), np.zeros((0, 2), np.int64))
    pieces = tile_speech(windows, cluster_windows(embeddings, one, MAX_VOICES), speech)
    voices = [
        HeardVoice(sum(b - a for a, b, k in pieces if k == label), min(a for a, _, k in pieces if k == label))
        for label in sorted({k for _, _, k in pieces})
    ]
    return sorted((v for v in voices if v.seconds >= MIN_SPEECH_S), key=lambda v: v.first_s)


def measure_voice(path: Path, settings: Settings) -> tuple[Hearing, tuple[Audio, Span]]:
    """Measure the file's voice; return a hearing with an empty `voice_id`, and the sound and span for a clip.

    Logs a warning where more than one voice is heard. Raises as `probe` does, UsageError without diarization,
    PermanentError with less than `MIN_SPEECH_S` of speech.
    """
    if not settings.knows_voices:
        raise UsageError("diarization.engine = off: no speaker model measures voices; choose another.")
    device = resolve_device(settings)
    known = resolve.resolve("embedding", settings.diarization.embedding_model)
    default_pool.configure(place_engines(settings))
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
    begins, where, found = [], [], []
    for start_s in np.arange(0.0, duration_s, PIECE_S):
        span = Span(float(start_s), min(float(start_s) + PIECE_S, duration_s))
        own = cut_windows([Span(s.start_s - span.start_s, s.end_s - span.start_s) for s in clip(speech, span)])
        if len(own):
            begins.append(span.start_s)
            where.append(own)
            found.append(call(model, "embed", decode(recording.parts, span, correction=correction), own).value)
    windows = np.concatenate([w + k for k, w in zip(begins, where, strict=True)])
    heard = list_voices(windows, np.concatenate(found), speech)
    if len(heard) > 1:
        log.warning(
            "%s: %d voices are heard in it: %s. What is enrolled is a mixture of them, and like none: "
            "`daylong speakers undo` takes it back; enrol from a file in which only this person speaks.",
            path,
            len(heard),
            ", ".join(f"{v.seconds:.0f} s from {format_clock(v.first_s)} on" for v in heard),
        )
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
    sound = reference_audio(recording, correction=correction)
    return hearing, (sound, Span(longest.start_s, min(longest.end_s, longest.start_s + CLIP_S)))
