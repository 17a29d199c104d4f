"""The step `clipping`: count the samples of a chunk that are cut off."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.caching import step_task
from tasks.contracts import ClippingFacts
from tasks.intervals import Span
from tasks.quality.clipping import count_clipped
from tasks.records import Audio, Sound
from tasks.step import Manifest, StepContext


@dataclass(frozen=True, slots=True)
class ClippingJob:
    audio: Audio
    span: Span


@step_task("clipping", version=1)
def find_clipping(job: ClippingJob, place: StepContext) -> Manifest:
    """Artifact `clipped`: array `counts` uint16 (n,), clipped samples of every half second from the span's start.

    The sound is the chunk's that the recogniser is given, which is in memory for it.
    """
    meter = place.meter()
    counts = count_clipped(place.samples(Sound(job.audio, job.span)))
    kept = place.store.put_arrays("clipping", counts=counts)
    return meter.manifest({"clipped": kept}, **ClippingFacts(num_clipped=int(counts.sum())))
