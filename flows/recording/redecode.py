"""Speech at the seams that neither side has words for, decoded by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flows.recording.chunks import Worked, why
from flows.recording.preparation import Run
from flows.reporting.logging_setup import STORY
from flows.reporting.run_names import called
from tasks.contracts import untranscribed_spans
from tasks.intervals import clip, format_clock
from tasks.records import Sound
from tasks.step import Manifest
from tasks.transcription.task import TranscribeJob, transcribe


def heard_again(
    seams: Manifest, done: Sequence[Worked], language: str | None, run: Run
) -> tuple[list[Manifest], list[Worked]]:
    """What was heard there, and the chunks, with what could not be heard again told of: no seam is worth a day."""
    found: list[Manifest] = []
    told = list(done)
    for span in untranscribed_spans(seams):
        for i, worked in enumerate(told):
            chunk = worked.chunk
            around = span.grow(0.3) & chunk.span
            if worked.audio is None or span.middle_s not in chunk.core or not clip(chunk.speech, around):
                continue
            if worked.words is None:  # it failed: nothing would be heard now, either
                continue
            job = TranscribeJob(
                chunk.index,
                Sound(worked.audio, around, tuple(clip(chunk.speech, around))),
                run.settings.transcription,
                run.weights["transcription"],
            )
            where = f"{format_clock(around.start_s)} – {format_clock(around.end_s)}"
            hear = called(transcribe, f"transcribe seam · {where}")
            state = hear(job, run.place, worked.language(language), None, return_state=True)
            if state.is_completed():
                found.append(state.result())
                continue
            unheard = f"speech at a seam ({where}) could not be heard again: {why(state)}"
            STORY.warning("chunk %d: %s", chunk.index + 1, unheard)
            told[i] = replace(worked, unheard=unheard)
    return found, told
