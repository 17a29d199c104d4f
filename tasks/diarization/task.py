"""The steps `embedding` (of windows) and `diarization` (turns of one chunk).

They are two, so that diarizers of embeddings share these. Diarizers that hear where one speaks alone run in
`embedding`, which places its windows there, and `diarization` reads what they found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.caching import step_task
from tasks.contracts import DiarizationFacts, EmbeddingFacts, read_tracks, read_windows
from tasks.diarization.engines import build_diarizer, build_segmenter, choose_speaker_engine, find_diarizer
from tasks.diarization.segmentation import place_windows
from tasks.diarization.stitch import stitch
from tasks.diarization.tracks import Tracks, tile_tracks
from tasks.diarization.window_clusters import cluster_windows
from tasks.diarization.windows import cut_windows
from tasks.engines.protocols import Samples
from tasks.records import SAMPLE_RATE_HZ, Sound
from tasks.step import Manifest, Meter, StepContext
from tasks.weights.resolve import ResolvedWeights

MOST_IN_A_CHUNK = 12
"""Speakers that clustering finds in a chunk at most; linking determines the number in the recording."""


@dataclass(frozen=True, slots=True)
class EmbedJob:
    sound: Sound
    weights: ResolvedWeights


@dataclass(frozen=True, slots=True)
class SegmentJob:
    """`weights` are those of the speaker model, `segmentation` those that find overlapping speech."""

    sound: Sound
    weights: ResolvedWeights
    segmentation: ResolvedWeights


@dataclass(frozen=True, slots=True)
class DiarizeJob:
    """`weights` are those of the speaker model, `diarizer` those of the `engine`, which finds turns in the sound."""

    engine: str
    sound: Sound
    weights: ResolvedWeights
    diarizer: ResolvedWeights


@dataclass(frozen=True, slots=True)
class TurnsJob:
    """`weights` are those of the diarizer; None for engines that have none."""

    engine: str
    sound: Sound
    weights: ResolvedWeights | None = None


@step_task("embedding", version=1)
def embed(job: EmbedJob, place: StepContext, separated: Manifest | None) -> Manifest:
    """Artifact `windows`: arrays `windows` (N, 2) in recording seconds, `embeddings` (N, D) in half precision."""
    meter = place.meter()
    windows = cut_windows(job.sound.speech_within())
    model = choose_speaker_engine(job.weights.path, place.device)
    voices = meter.ask(model, "embed", place.samples(job.sound, separated), windows)
    kept = place.store.put_arrays(
        "embedding", windows=windows + job.sound.span.start_s, embeddings=voices.astype(np.float16)
    )
    return meter.manifest({"windows": kept}, **EmbeddingFacts(windows=len(windows)))


@step_task("embedding", version=1)
def segment_and_embed(job: SegmentJob, place: StepContext, separated: Manifest | None) -> Manifest:
    """As `embed`, with windows in which one speaker speaks alone; and artifact `tracks`: arrays `spans` (M, 3) of
    start, end and track, in seconds from the start of the chunk's sound, `owners` (N,), the track of each window, and
    `apart` (P, 2), tracks of different speakers."""
    meter = place.meter()
    samples = place.samples(job.sound, separated)
    firsts = place_windows(len(samples))
    segmenter = build_segmenter(job.segmentation, place.device)
    activity = meter.ask(segmenter, "activity", samples, firsts)
    tracks = Tracks.find(*stitch(activity, firsts), job.sound.speech_within(), len(samples) / SAMPLE_RATE_HZ)
    return _embed_tracks(meter, tracks, samples, job, place)


@step_task("embedding", version=1)
def diarize_and_embed(job: DiarizeJob, place: StepContext, separated: Manifest | None) -> Manifest:
    """As `segment_and_embed`; each track is a local speaker of the diarizer, −1 the owner of nobody's windows."""
    meter = place.meter()
    samples = place.samples(job.sound, separated)
    diarizer = build_diarizer(job.engine, job.diarizer.path, place.device)
    rows = [(start, end, int(speaker)) for start, end, speaker in meter.ask(diarizer, "find_turns", samples)]
    tracks = Tracks.of_turns(rows, job.sound.speech_within())
    return _embed_tracks(meter, tracks, samples, job, place)


def _embed_tracks(
    meter: Meter, tracks: Tracks, samples: Samples, job: SegmentJob | DiarizeJob, place: StepContext
) -> Manifest:
    voices = meter.ask(choose_speaker_engine(job.weights.path, place.device), "embed", samples, tracks.windows)
    kept = place.store.put_arrays(
        "embedding", windows=tracks.windows + job.sound.span.start_s, embeddings=voices.astype(np.float16)
    )
    found = place.store.put_arrays("embedding", spans=tracks.spans, owners=tracks.owners, apart=tracks.apart)
    return meter.manifest({"windows": kept, "tracks": found}, **EmbeddingFacts(windows=len(tracks.windows)))


@step_task("diarization", version=2)
def find_turns(job: TurnsJob, place: StepContext, embedded: Manifest, separated: Manifest | None) -> Manifest:
    """Artifact `turns`: `labels` (N,), the local speaker of each window, −1 for none; and `turns` (T, 3) of
    start, end and local speaker where the engine finds turns by itself, in recording seconds."""
    meter = place.meter()
    windows, embeddings = read_windows(place.store, embedded)
    start = job.sound.span.start_s
    turns = np.zeros((0, 3))
    reads = find_diarizer(job.engine).capabilities.reads
    if reads == "embeddings":
        diarizer = build_diarizer(job.engine, job.weights.path if job.weights else Path(), place.device)
        voices = embeddings.astype(np.float32)
        labels = meter.ask(diarizer, "cluster", voices, windows, max_speakers=MOST_IN_A_CHUNK)
    else:
        tracks = Tracks(windows=windows - start, **read_tracks(place.store, embedded))
        if reads == "segments":
            labels = cluster_windows(embeddings, tracks, MOST_IN_A_CHUNK)
            turns = tile_tracks(tracks, labels)
        else:
            labels, turns = tracks.owners, tracks.spans
        turns = turns + np.array([start, start, 0.0])
    kept = place.store.put_arrays("diarization", labels=np.asarray(labels, np.int16), turns=turns)
    return meter.manifest({"turns": kept}, **DiarizationFacts(speakers=int(labels.max(initial=-1)) + 1))
