"""The step `separation`: extract a chunk's vocals, without music."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.caching import step_task
from tasks.engines.engine import Engine
from tasks.records import Sound
from tasks.step import Manifest, StepContext
from tasks.weights.resolve import ResolvedWeights


@dataclass(frozen=True, slots=True)
class SeparateJob:
    sound: Sound
    weights: ResolvedWeights


@step_task("separation", version=1)
def separate(job: SeparateJob, place: StepContext) -> Manifest:
    """Separate the vocals of a span. Artifact `vocals`: FLAC, 16 kHz mono."""
    meter = place.meter()
    demucs = Engine.of(
        "separation/demucs", "tasks.separation.demucs:load", model=str(job.weights.path), device=place.device
    )
    vocals = meter.ask(demucs, "vocals", place.samples(job.sound))
    return meter.manifest({"vocals": place.store.put_audio("separation", vocals)})
