"""The steps of a chunk, which one task run does: of all its tracks, each step as soon as it can begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.recording.chunk_result import ChunkResult, format_error
from flows.recording.preparation import Run
from flows.recording.step_runs import NoteEnd, PlannedStep, StepRun, StepTask, run_steps
from tasks.contracts import punctuation_facts
from tasks.diarization.engines import hears_turns
from tasks.diarization.task import (
    DiarizeJob,
    EmbedJob,
    SegmentJob,
    TurnsJob,
    diarize_and_embed,
    embed,
    find_turns,
    segment_and_embed,
)
from tasks.engines import registry
from tasks.engines.memory import trim_heap
from tasks.errors import DaylongError
from tasks.logs import add_log_fields
from tasks.punctuation.task import PunctuateJob, punctuate
from tasks.quality.task import ClippingJob, find_clipping
from tasks.records import Audio, Chunk, Sound
from tasks.separation.task import SeparateJob, separate
from tasks.settings.schema import PER_SEGMENT
from tasks.transcription.task import TranscribeJob, transcribe
from tasks.weights.catalogue import writes_punctuation


@dataclass(frozen=True, slots=True)
class TrackJob:
    """A track of a chunk. `chunk.speech`: the track's own; `language`: a code, None (the chunk's own is found) or
    PER_SEGMENT."""

    chunk: Chunk
    audio: Audio
    language: str | None


class StepWatcher:
    """Passes the end of each step on, while it is in the process that made it; a copy elsewhere does nothing."""

    def __init__(self, note_end: NoteEnd | None = None) -> None:
        self.note_end = note_end

    def __call__(self, step: str, cached: bool) -> None:
        if self.note_end is not None:
            self.note_end(step, cached)

    def __reduce__(self) -> tuple[type[StepWatcher], tuple[()]]:
        return StepWatcher, ()


class ChunkFailed(DaylongError):
    """A step of a chunk failed. `results`: of all tracks, the failed one's too."""

    def __init__(self, message: str, results: tuple[ChunkResult, ...]) -> None:
        super().__init__(message)
        self.results = results

    def __reduce__(self) -> tuple[type[ChunkFailed], tuple[str, tuple[ChunkResult, ...]]]:
        return ChunkFailed, (str(self), self.results)


class ChunkJob:
    """What a chunk's task run is given: all its tracks, the run, and who is told of the end of each step."""

    # No dataclass, no tuple: Prefect looks into those that are handed to a task, and Dask makes others of them.

    def __init__(self, tracks: tuple[TrackJob, ...], run: Run, watcher: StepWatcher) -> None:
        self.tracks, self.run, self.watcher = tracks, run, watcher


@task(name="chunk", task_run_name="chunk", cache_policy=NO_CACHE, persist_result=False)
def process_chunk(job: ChunkJob) -> tuple[ChunkResult, ...]:
    """Run the steps of a chunk, each cached and retried by itself; return the results by track.

    Raises ChunkFailed, with the same results, where a step failed. What is given and returned may cross to another
    process.
    """
    tracks, run = job.tracks, job.run

    def note_end(step: str, cached: bool) -> None:
        job.watcher(step, cached)  # before trimming: whoever waits for the chunk continues meanwhile
        if not cached:
            trim_heap()

    with add_log_fields(chunk=tracks[0].chunk.index):
        done = run_steps([plan_steps(track, run) for track in tracks], note_end)
    results = tuple(_build_result(*found) for found in zip(tracks, done, strict=True))
    failed = next((result for result in results if result.error), None)
    if failed is not None:
        raise ChunkFailed(str(failed.error), results) from failed.cause
    return results


def list_steps(run: Run) -> list[str]:
    """List the steps of a chunk with speech, in order."""
    settings = run.settings
    return [
        *(["separation"] if settings.separation.mode == "always" else []),
        "transcription",
        *(["punctuation"] if settings.punctuation.mode != "never" else []),
        *(["embedding"] if settings.knows_voices else []),
        *(["diarization"] if settings.diarizes else []),
        "clipping",
    ]


def plan_steps(track: TrackJob, run: Run) -> list[PlannedStep]:
    """Plan the steps of one track of a chunk, in order."""
    settings, weights = run.settings, run.weights
    sound = Sound(track.audio, track.chunk.span, track.chunk.speech)
    separates = settings.separation.mode == "always"
    separated = {"separated": "separation"} if separates else {}
    planned: list[PlannedStep] = []

    def add(name: str, step: StepTask, job: Any, needs: Mapping[str, str], **inputs: Any) -> None:
        planned.append(PlannedStep(name, step, {"job": job, "place": run.place, **inputs}, needs))

    if separates:
        add("separation", separate, SeparateJob(sound, weights["separation"]), needs={})
    words = TranscribeJob(
        track.chunk.index, sound, settings.transcription, weights["transcription"], weights.get("alignment")
    )
    add("transcription", transcribe, words, needs=separated, language=track.language, separated=None)
    if settings.punctuation.mode != "never":
        add("punctuation", punctuate, plan_punctuation(track.language, run), needs={"transcribed": "transcription"})
    if settings.knows_voices:
        add("embedding", *choose_embedding(sound, run), needs=separated, separated=None)
    if settings.diarizes:
        turns = TurnsJob(settings.diarization.engine, sound, weights.get("diarization"))
        add("diarization", find_turns, turns, needs={"embedded": "embedding", **separated}, separated=None)
    add("clipping", find_clipping, ClippingJob(track.audio, track.chunk.span), needs={})
    return planned


def choose_embedding(sound: Sound, run: Run) -> tuple[StepTask, EmbedJob | SegmentJob | DiarizeJob]:
    """Choose how voices are measured: in windows over all speech, or where one speaks alone."""
    settings, weights = run.settings, run.weights
    if "segmentation" in weights:
        return segment_and_embed, SegmentJob(sound, weights["embedding"], weights["segmentation"])
    if settings.diarizes and hears_turns(settings.diarization.engine):
        job = DiarizeJob(settings.diarization.engine, sound, weights["embedding"], weights["diarization"])
        return diarize_and_embed, job
    return embed, EmbedJob(sound, weights["embedding"])


def plan_punctuation(language: str | None, run: Run) -> PunctuateJob:
    """Plan punctuation, with the weights that are here, or those that are fetched when text needs them."""
    settings = run.settings
    weights = run.weights.get("punctuation") or run.deferred.get("punctuation")
    punctuates = registry.find("transcription", settings.transcription.engine).capabilities.punctuates
    own_marks = writes_punctuation(settings.transcription.model) if punctuates is None else punctuates
    return PunctuateJob(None if language == PER_SEGMENT else language, settings.punctuation, weights, own_marks)


def _build_result(track: TrackJob, runs: Mapping[str, StepRun]) -> ChunkResult:
    """Build the result of a track. Steps that need a failed one fail with it: only the first failure is reported."""
    failed = next(((name, run.error) for name, run in runs.items() if run.error), None)
    manifests = {name: run.manifest for name, run in runs.items() if run.manifest is not None}
    marks = manifests.get("punctuation")
    return ChunkResult(
        track.chunk,
        track.audio,
        manifests,
        cached=frozenset(name for name, run in runs.items() if run.cached),
        error=f"{failed[0]}: {format_error(failed[1])}" if failed else None,
        cause=failed[1] if failed else None,
        lacks_punctuation=marks is not None and bool(punctuation_facts(marks).get("unavailable")),
        keys=frozenset(run.key for run in runs.values() if run.key),
    )
