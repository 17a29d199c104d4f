"""The steps `embedding` (windows' voices) and `diarization` (turns of one chunk).

They are two, so that another way of finding turns keeps the embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.caching import step_task
from tasks.diarization.windows import windows
from tasks.models import Engine
from tasks.records import Sound
from tasks.weights import Weights
from tasks.work import Manifest, Meter, Place

Array = np.ndarray[Any, Any]

MOST_IN_A_CHUNK = 12
"""Voices that a chunk's clustering looks for at most; linking counts those of the recording."""


@dataclass(frozen=True, slots=True)
class EmbedJob:
    sound: Sound
    weights: Weights


@dataclass(frozen=True, slots=True)
class TurnsJob:
    """`weights` are those of an end-to-end diarizer; None for clustering, which needs only the embeddings."""

    engine: str
    sound: Sound
    weights: Weights | None = None


@step_task("embedding", version=1)
def embed(job: EmbedJob, place: Place, separated: Manifest | None) -> Manifest:
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
    return meter.manifest({"windows": kept}, windows=len(where))


@step_task("diarization", version=1)
def find_turns(job: TurnsJob, place: Place, embedded: Manifest, separated: Manifest | None) -> Manifest:
    """Artifact `turns`: `labels` (N,), the local speaker of each window, −1 for nobody's; and `turns` (T, 3) of
    start, end and local speaker where the engine finds turns by itself, in recording seconds."""
    meter = Meter()
    heard = place.store.get_arrays(embedded["artifacts"]["windows"])
    where = heard["windows"]
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
        labels = labels_by_turns(where, found)
    else:
        clustering = Engine.of("diarization/clustering", "tasks.diarization.clustering:load")
        embeddings = heard["embeddings"].astype(np.float32)
        labels = meter.ask(clustering, "labels", embeddings, where, max_speakers=MOST_IN_A_CHUNK)
    kept = place.store.put_arrays("diarization", labels=np.asarray(labels, np.int16), turns=found)
    return meter.manifest({"turns": kept}, speakers=int(labels.max(initial=-1)) + 1)


def labels_by_turns(windows: Array, turns: Array) -> Array:
    """(N,) for `windows` (N, 2): the local speaker whose `turns` (T, 3) fill a window alone for the longest; −1 where
    nobody speaks, or two do for most of it: a mixed voice tells of nobody."""
    out = np.full(len(windows), -1, np.int64)
    count = int(turns[:, 2].max(initial=-1)) + 1
    for i, (start, end) in enumerate(windows):
        seconds = np.zeros(count)
        common = np.minimum(turns[:, 1], end) - np.maximum(turns[:, 0], start)
        np.add.at(seconds, turns[:, 2].astype(np.int64), np.maximum(common, 0.0))
        if count and seconds.max() > 0.25 * (end - start) and np.sort(seconds)[:-1].sum() < 0.5 * seconds.max():
            out[i] = int(seconds.argmax())
    return out
