"""One recording -> what each of several recognisers makes of it: the flow of `daylong compare`.

probe -> speech map -> plan -> for each engine: language -> transcribe every chunk -> seams -> merge

The steps are those of `process_recording`, with the same keys: what one has done the other has from the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.settings import PREFECT_TASKS_REFRESH_CACHE, temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner

from flows.process_recording import TASK_THREADS
from flows.recording.chunk_result import ChunkResult, format_error
from flows.recording.chunks import process_chunks, split_by_track
from flows.recording.languages import Languages, determine_languages, find_main_language
from flows.recording.preparation import Run, prepare
from flows.recording.redecode import redecode_seams
from flows.recording.tracks import Track, map_tracks
from flows.reporting.logging_setup import RUN_LOG
from flows.reporting.prefect_log import create_listeners
from flows.reporting.progress import Progress
from flows.reporting.run_names import make_printable
from tasks.audio.task import PlanJob, plan_chunks, probe_recording, read_plan
from tasks.caching import call_at_each_use, pop_used_keys
from tasks.comparison.records import EngineRun
from tasks.contracts import read_speech_map, read_words
from tasks.engines import registry
from tasks.logs import add_log_fields
from tasks.merging.task import MergeJob, SeamJob, join_chunks, merge
from tasks.pruning import usage
from tasks.pruning.prune import recordings_folder, runs_folder
from tasks.records import Chunk, Recording
from tasks.settings.load import load
from tasks.step import Manifest


@dataclass(frozen=True)
class Asked:
    """One candidate: its name, and the settings of its run, nested."""

    label: str
    settings: dict[str, Any]


@flow(
    name="compare-engines",
    task_runner=ThreadPoolTaskRunner(max_workers=TASK_THREADS),  # type: ignore[arg-type]
    persist_result=False,
    validate_parameters=False,
)
def compare_engines(
    files: Sequence[str], asked: Sequence[Asked], fresh: bool = False
) -> tuple[Recording, list[EngineRun]]:
    """Transcribe one recording with each candidate, one after another, with no other engine loaded.

    `fresh`: transcribe anew what the cache has. Raises UsageError, before any work, for settings that can't run here.
    """
    runs = [prepare(load(each.settings)) for each in asked]
    me = str(flow_run.id)
    with usage.mark_running(runs_folder()) as mark, call_at_each_use(me, mark.note_key):
        recording = probe_recording(list(files), runs[0].settings.timezone, runs[0].settings.audio)
        mark.name_recording(recording.recording_id)
        with (
            usage.track_usage(recordings_folder(), recording.recording_id, lambda: pop_used_keys(me)),
            add_log_fields(recording=make_printable(recording.source_name)),
        ):
            found = [
                run_engine(each.label, recording, run, fresh=fresh) for each, run in zip(asked, runs, strict=True)
            ]
    return recording, found


def run_engine(label: str, recording: Recording, run: Run, *, fresh: bool) -> EngineRun:
    """Transcribe a recording with the recogniser of `run`, alone in memory. What fails is one of its errors, and does
    not fail the others."""
    spec = registry.find("transcription", run.settings.transcription.engine)
    device = "elsewhere" if spec.capabilities.remote else spec.choose_device(run.place.device)
    begun = EngineRun(label, spec.name, run.weights["transcription"].name, device)
    run.place.engines.unload()
    try:
        return _run_engine(begun, recording, run, fresh=fresh)
    except Exception as error:  # whatever an engine raises
        RUN_LOG.exception("%s failed", label)
        return replace(begun, errors=(format_error(error),))
    finally:
        run.place.engines.unload()


def _run_engine(begun: EngineRun, recording: Recording, run: Run, *, fresh: bool) -> EngineRun:
    progress = Progress(make_printable(f"{recording.source_name}, {begun.label}"), create_listeners())
    progress.enter_stage("speech map", duration_s=recording.duration_s)
    mapped, tracks = map_tracks(recording, run, progress)
    speech, _ = read_speech_map(run.place.store, mapped)
    planned = plan_chunks(PlanJob(recording.duration_s, run.settings.chunking), run.place, mapped)
    chunks = read_plan(run.place, planned, speech)
    progress.enter_stage("language")
    languages = determine_languages(tracks, run)
    with transcribing_anew(fresh):
        done, again, merged = _transcribe(recording, chunks, tracks, languages, run, progress)
    manifests = [r.manifests["transcription"] for r in done if "transcription" in r.manifests] + again
    return replace(
        begun,
        words=tuple(read_words(run.place.store, merged)),
        language=languages.language or find_main_language(done)[0],
        work_s=sum(m["cost"]["seconds"] - m["cost"]["load_s"] for m in manifests),
        load_s=find_load_s([*languages.manifests, *manifests]),
        peak_mb=max((m["cost"]["peak_mb"] for m in manifests), default=0.0),
        steps=sum("transcription" in r.manifests for r in done),
        cached=sum("transcription" in r.cached for r in done),
        errors=tuple(dict.fromkeys(r.error for r in done if r.error)),
    )


def _transcribe(
    recording: Recording,
    chunks: Sequence[Chunk],
    tracks: Sequence[Track],
    languages: Languages,
    run: Run,
    progress: Progress,
) -> tuple[list[ChunkResult], list[Manifest], Manifest]:
    """The chunks' results, the transcriptions of what was decoded again, and the merged words' manifest."""
    progress.enter_stage("chunks", chunks=len(chunks), steps=sum(len(split_by_track(c, tracks)) for c in chunks))
    done = process_chunks(chunks, tracks, languages.by_channel, run, progress)
    words = [[r.words for r in done if r.chunk.index == chunk.index] for chunk in chunks]
    seams = join_chunks(SeamJob(tuple(chunks)), run.place, words)
    again, done = redecode_seams(seams, done, languages.language, run)
    merged = merge(MergeJob(recording.duration_s, None, run.replacements), run.place, seams, again, None, None)
    return done, again, merged


def find_load_s(manifests: Sequence[Manifest]) -> float | None:
    """Seconds of the longest loading among steps; None where none of them loaded an engine: each is loaded once, by
    whichever step comes first."""
    return max((m["cost"]["load_s"] for m in manifests), default=0.0) or None


@contextmanager
def transcribing_anew(wanted: bool) -> Iterator[None]:
    """Ask the cache for nothing in the block, where that is `wanted`; what is found is kept all the same."""
    with temporary_settings({PREFECT_TASKS_REFRESH_CACHE: wanted}):
        yield
