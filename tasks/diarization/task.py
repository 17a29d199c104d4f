"""The steps `embedding` (windows' voices) and `diarization` (turns of one chunk).

They are two, so that another way of finding turns keeps the embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.caching import step_task
from tasks.contracts import DiarizationFacts, EmbeddingFacts, read_windows
from tasks.diarization.turns import labels_of
from tasks.diarization.windows import windows
from tasks.engines.engine import Engine
from tasks.records import Sound
from tasks.step import Manifest, Meter, StepContext
from tasks.weights.resolve import ResolvedWeights

MOST_IN_A_CHUNK = 12
"""Voices that a chunk's clustering looks for at most; linking counts those of the recording."""


@dataclass(frozen=True, slots=True)
class EmbedJob:
    sound: Sound
    weights: ResolvedWeights


@dataclass(frozen=True, slots=True)
class TurnsJob:
    """`weights` are those of an end-to-end diarizer; None for clustering, which needs only the embeddings."""

    engine: str
    sound: Sound
    weights: ResolvedWeights | None = None


@step_task("embedding", version=1)
def embed(job: EmbedJob, place: StepContext, separated: Manifest | None) -> Manifest:
    """Artifact `windows`: arrays `windows` (N, 2) in recording seconds, `embeddings` (N, D) in half precision."""
    meter = Meter()
    where = windows(job.sound.speech_within())
    model = Engine.of(
        "diarization/speaker-model",
        "tasks.diarization.speaker_model:load",
        model=str(job.weights.path),
        device=place.device,
    )
    voices = meter.ask(model, "embed", place.samples(job.sound, separated), where)
    kept = place.store.put_arrays(
        "embedding", windows=where + job.sound.span.start_s, embeddings=voices.astype(np.float16)
    )
    return meter.manifest({"windows": kept}, **EmbeddingFacts(windows=len(where)))


@step_task("diarization", version=1)
def find_turns(job: TurnsJob, place: StepContext, embedded: Manifest, separated: Manifest | None) -> Manifest:
    """Artifact `turns`: `labels` (N,), the local speaker of each window, −1 for nobody's; and `turns` (T, 3) of
    start, end and local speaker where the engine finds turns by itself, in recording seconds."""
    meter = Meter()
    where, embeddings = read_windows(place.store, embedded)
    found = np.zeros((0, 3))
    if job.engine == "sortformer" and job.weights is not None:
        engine = Engine.of(
            "diarization/sortformer",
            "tasks.diarization.sortformer:load",
            model=str(job.weights.path),
            device=place.device,
        )
        told = meter.ask(engine, "turns", place.samples(job.sound, separated))
        start = job.sound.span.start_s
        found = np.array([(a + start, b + start, float(k)) for a, b, k in told]).reshape(-1, 3)
        labels = labels_of(found, where)
    else:
        clustering = Engine.of("diarization/clustering", "tasks.diarization.clustering:load")
        labels = meter.ask(clustering, "labels", embeddings.astype(np.float32), where, max_speakers=MOST_IN_A_CHUNK)
    kept = place.store.put_arrays("diarization", labels=np.asarray(labels, np.int16), turns=found)
    return meter.manifest({"turns": kept}, **DiarizationFacts(speakers=int(labels.max(initial=-1)) + 1))
