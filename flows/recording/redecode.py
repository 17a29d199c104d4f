"""Decode again the speech at the seams that neither chunk has words for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flows.recording.chunks import ChunkResult, describe_failure
from flows.recording.preparation import Run
from flows.reporting.logging_setup import RUN_LOG
from flows.reporting.run_names import name_task
from tasks.contracts import untranscribed_spans
from tasks.intervals import clip, format_clock
from tasks.records import Sound
from tasks.step import Manifest
from tasks.transcription.task import TranscribeJob, transcribe


def redecode_seams(
    seams: Manifest, chunk_results: Sequence[ChunkResult], language: str | None, run: Run
) -> tuple[list[Manifest], list[ChunkResult]]:
    """Transcribe the untranscribed spans of `seams`, each by itself.

    Returns (manifests of the transcriptions, `chunk_results` with `incomplete` set where that failed): a failure does
    not fail the recording. `language`: the recording's.
    """
    found: list[Manifest] = []
    results = list(chunk_results)
    for span in untranscribed_spans(seams):
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
            where = f"{format_clock(around.start_s)} – {format_clock(around.end_s)}"
            redecode = name_task(transcribe, f"transcribe seam · {where}")
            state = redecode(job, run.place, result.get_language(language, around), None, return_state=True)
            if state.is_completed():
                found.append(state.result())
                continue
            message = f"speech at a seam ({where}) could not be heard again: {describe_failure(state)}"
            RUN_LOG.warning("chunk %d: %s", chunk.index + 1, message)
            results[i] = replace(result, incomplete=message)
    return found, results
