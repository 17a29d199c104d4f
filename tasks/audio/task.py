"""The steps `probe`, `speech-map`, `own-speech` and `plan` of a recording."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.audio.bleed import estimate_noise_floor, remove_bleed
from tasks.audio.combine import probe_files
from tasks.audio.decode import UNCORRECTED, Samples, stream
from tasks.audio.detectors import Detectors, count_threads
from tasks.audio.plan import plan, select_speech
from tasks.audio.survey import map_corrected
from tasks.caching import step_task
from tasks.contracts import (
    OwnSpeechFacts,
    PlanFacts,
    SpeechMapFacts,
    name_own_speech,
    read_plan_rows,
    read_speech_map,
    write_spans,
)
from tasks.intervals import Span, measure_union_s, merge_spans
from tasks.records import SAMPLE_RATE_HZ, Audio, Chunk, Recording, as_dict
from tasks.settings.schema import AudioSettings, ChunkingSettings
from tasks.step import Manifest, StepContext

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class MapJob:
    audio: Audio
    duration_s: float


@dataclass(frozen=True, slots=True)
class OwnSpeechJob:
    """The channels of a recording, each with a speaker of its own."""

    channels: tuple[Audio, ...]


@dataclass(frozen=True, slots=True)
class PlanJob:
    duration_s: float
    settings: ChunkingSettings


@dataclass(frozen=True, slots=True)
class Watcher:
    """Gets the seconds of a channel that were processed, for progress, from any thread. Never part of a key."""

    mapped: Callable[[float], None]

    def identity(self) -> None:
        return None


@task(name="probe", task_run_name="probe", cache_policy=NO_CACHE, persist_result=False)
def probe_recording(paths: Sequence[str], timezone: str, settings: AudioSettings) -> Recording:
    """Probe the files. Never cached: their digest identifies all later results."""
    return probe_files(
        [Path(p) for p in paths],
        timezone=timezone,
        name_pattern=settings.name_pattern,
        given=settings.recorded_at,
        track=settings.track,
    )


@step_task("speech-map", version=3)
def map_speech(job: MapJob, place: StepContext, watcher: Watcher) -> Manifest:
    """Artifact `map`: arrays `speech` (N, 2) seconds and `energy_db`. Fact `correction`, if the recording needs one.

    The recording is read once, streaming; once or twice more if it needs a correction.
    """
    meter, detectors = place.meter(), Detectors(place, count_threads(place))

    def detect(block: Samples) -> list[Span]:
        found = detectors.find_speech(block)
        watcher.mapped(len(block) / SAMPLE_RATE_HZ)
        return found

    mapped, correction = map_corrected(job.audio, detect, job.duration_s, detectors.threads)
    meter.include(detectors.meters)
    spans = write_spans(mapped.speech)
    kept = place.store.put_arrays("speech-map", speech=spans, energy_db=mapped.energy_db)
    facts = SpeechMapFacts(speech_s=float((spans[:, 1] - spans[:, 0]).sum()))
    if correction != UNCORRECTED:
        facts["correction"] = as_dict(correction)
    return meter.manifest({"map": kept}, **facts)


@step_task("own-speech", version=4)
def find_own_speech(job: OwnSpeechJob, place: StepContext, mapped: Sequence[Manifest], watcher: Watcher) -> Manifest:
    """Artifact `map`: as that of `speech-map`, for all channels together, and `own_0`, …, each channel's own speech.

    Bleed is removed from each channel's speech. Each channel is read once, streaming, if several have speech at once.
    """
    meter = place.meter()
    speech, energy = zip(*(read_speech_map(place.store, m) for m in mapped), strict=True)

    def open_channel(channel: int) -> Generator[Samples, None, None]:
        audio = job.channels[channel]
        # Levels are compared as they were recorded.
        correction = replace(audio.correction, gain_db=0.0)
        with contextlib.closing(stream(audio.parts, channel=audio.channel, correction=correction)) as blocks:
            for block in blocks:
                yield block
                watcher.mapped(len(block) / SAMPLE_RATE_HZ)

    gains_db = [audio.correction.gain_db for audio in job.channels]
    floors_db = [estimate_noise_floor(e) - gain_db for e, gain_db in zip(energy, gains_db, strict=True)]
    own = remove_bleed(speech, floors_db, open_channel)
    steps = min(map(len, energy))
    arrays = {name_own_speech(i): write_spans(spans) for i, spans in enumerate(own)}
    kept = place.store.put_arrays(
        "own-speech",
        speech=write_spans(merge_spans(s for spans in own for s in spans)),
        energy_db=np.maximum.reduce([e[:steps] for e in energy]),
        **arrays,
    )
    return meter.manifest({"map": kept}, **OwnSpeechFacts(own_s=[round(measure_union_s(spans), 3) for spans in own]))


@step_task("plan", version=1)
def plan_chunks(job: PlanJob, place: StepContext, mapped: Manifest) -> Manifest:
    """Artifact `chunks`: rows of index, span and core, in seconds."""
    meter = place.meter()
    speech, energy = read_speech_map(place.store, mapped)
    chunks = plan(job.duration_s, speech, energy, job.settings)
    rows = [[c.span.start_s, c.span.end_s, c.core.start_s, c.core.end_s] for c in chunks]
    return meter.manifest({"chunks": place.store.put_json("plan", rows)}, **PlanFacts(num_chunks=len(rows)))


def read_plan(place: StepContext, planned: Manifest, speech: list[Span]) -> tuple[Chunk, ...]:
    """Read the chunks of a plan's manifest, with the speech in each."""
    rows = enumerate(read_plan_rows(place.store, planned))
    return tuple(Chunk(index, span, core, select_speech(speech, span)) for index, (span, core) in rows)
