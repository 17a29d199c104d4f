"""Decode again the speech at the seams that neither chunk has words for: one task run for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.utilities.annotations import quote

from flows.recording.chunk_result import ChunkResult, format_error
from flows.recording.preparation import Run
from flows.recording.step_runs import StepRun, run_step
from flows.reporting.logging_setup import RUN_LOG
from tasks.caching import copy_used_keys, note_use
from tasks.contracts import untranscribed_spans
from tasks.intervals import Span, clip, format_clock
from tasks.logs import add_log_fields
from tasks.records import Sound
from tasks.step import Manifest
from tasks.transcription.task import TranscribeJob, transcribe


@dataclass(frozen=True, slots=True)
class SeamSpan:
    """A span to transcribe by itself, in the language of its chunk. `result`: the number of the chunk's result."""

    result: int
    job: TranscribeJob
    language: str | None

    @property
    def where(self) -> str:
        span = self.job.sound.span
        return f"{format_clock(span.start_s)} – {format_clock(span.end_s)}"


@task(name="seams-again", task_run_name="transcribe seams", cache_policy=NO_CACHE, persist_result=False)
def transcribe_spans(spans: tuple[SeamSpan, ...], run: Run) -> tuple[StepRun, ...]:
    """Transcribe each span by itself, each cached and retried by itself; a failure is in the span's result."""

    def transcribe_span(span: SeamSpan) -> StepRun:
        with add_log_fields(chunk=span.job.chunk):
            return run_step(transcribe, span.job, run.place, span.language, None)

    with ThreadPoolExecutor(run.settings.count_chunks_in_flight(), thread_name_prefix="daylong-seam") as threads:
        running = [threads.submit(copy_context().run, transcribe_span, span) for span in spans]
        return tuple(each.result() for each in running)


def redecode_seams(
    seams: Manifest, chunk_results: Sequence[ChunkResult], language: str | None, run: Run
) -> tuple[list[Manifest], list[ChunkResult]]:
    """Transcribe the untranscribed spans of `seams`, each by itself.

    Returns (manifests of the transcriptions, `chunk_results` with `incomplete` set where that failed): a failure does
    not fail the recording. `language`: the recording's.
    """
    results = list(chunk_results)
    spans = list_spans(untranscribed_spans(seams), results, language, run)
    if not spans:
        return [], results
    found: list[Manifest] = []
    me = str(flow_run.id)
    transcribe_all: Task[..., tuple[StepRun, ...]] = transcribe_spans
    for span, done in zip(spans, transcribe_all(quote(spans), quote(run)), strict=True):
        if done.key and done.key not in copy_used_keys(me):  # it ran in another process
            note_use(me, done.key)
        if done.manifest is not None:
            found.append(done.manifest)
            continue
        message = f"speech at a seam ({span.where}) could not be heard again: {format_error(done.error)}"
        RUN_LOG.warning("chunk %d: %s", results[span.result].chunk.index + 1, message)
        results[span.result] = replace(results[span.result], incomplete=message)
    return found, results


def list_spans(
    untranscribed: Sequence[Span], results: Sequence[ChunkResult], language: str | None, run: Run
) -> tuple[SeamSpan, ...]:
    """List what to transcribe: each untranscribed span of each track with speech there, in its chunk's language."""
    found = []
    for span in untranscribed:
        for i, result in enumerate(results):
            chunk = result.chunk
            around = span.grow(0.3) & chunk.span
            if result.audio is None or span.middle_s not in chunk.core or not clip(chunk.speech, around):
                continue
            if result.words is None:  # its transcription failed, so this would fail too
                continue
            job = TranscribeJob(
                chunk.index,
                Sound(result.audio, around, tuple(clip(chunk.speech, around))),
                run.settings.transcription,
                run.weights["transcription"],
                run.weights.get("alignment"),
            )
            found.append(SeamSpan(i, job, result.get_language(language, around)))
    return tuple(found)
