"""The steps `embedding` (of windows) and `diarization` (turns of one chunk).

They are two, so that diarizers share the embeddings: all but `segmentation`, which places the windows itself.
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
from tasks.diarization.turns import label_windows
from tasks.diarization.window_clusters import cluster_windows
from tasks.diarization.windows import cut_windows
from tasks.records import SAMPLE_RATE_HZ, Sound
from tasks.step import Manifest, StepContext
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
class TurnsJob:
    """`weights` are those of an end-to-end diarizer; None for engines that need only the embeddings."""

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
    voices = meter.ask(choose_speaker_engine(job.weights.path, place.device), "embed", samples, tracks.windows)
    kept = place.store.put_arrays(
        "embedding", windows=tracks.windows + job.sound.span.start_s, embeddings=voices.astype(np.float16)
    )
    found = place.store.put_arrays("embedding", spans=tracks.spans, owners=tracks.owners, apart=tracks.apart)
    return meter.manifest({"windows": kept, "tracks": found}, **EmbeddingFacts(windows=len(tracks.windows)))


@step_task("diarization", version=1)
def find_turns(job: TurnsJob, place: StepContext, embedded: Manifest, separated: Manifest | None) -> Manifest:
    """Artifact `turns`: `labels` (N,), the local speaker of each window, −1 for none; and `turns` (T, 3) of
    start, end and local speaker where the engine finds turns by itself, in recording seconds."""
    meter = place.meter()
    windows, embeddings = read_windows(place.store, embedded)
    start = job.sound.span.start_s
    turns = np.zeros((0, 3))
    reads = find_diarizer(job.engine).capabilities.reads
    weights = job.weights.path if job.weights else Path()
    if reads == "sound":
        diarizer = build_diarizer(job.engine, weights, place.device)
        rows = meter.ask(diarizer, "find_turns", place.samples(job.sound, separated))
        turns = np.array([(a + start, b + start, float(k)) for a, b, k in rows]).reshape(-1, 3)
        labels = label_windows(turns, windows)
    elif reads == "segments":
        tracks = Tracks(windows=windows - start, **read_tracks(place.store, embedded))
        labels = cluster_windows(embeddings, tracks, MOST_IN_A_CHUNK)
        turns = tile_tracks(tracks, labels) + np.array([start, start, 0.0])
    else:
        diarizer = build_diarizer(job.engine, weights, place.device)
        voices = embeddings.astype(np.float32)
        labels = meter.ask(diarizer, "cluster", voices, windows, max_speakers=MOST_IN_A_CHUNK)
    kept = place.store.put_arrays("diarization", labels=np.asarray(labels, np.int16), turns=turns)
    return meter.manifest({"turns": kept}, **DiarizationFacts(speakers=int(labels.max(initial=-1)) + 1))
