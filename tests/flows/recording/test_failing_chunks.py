"""Chunks and seams on which an engine fails permanently, in the whole flow: the rest is published."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from flows.reporting.outcome import Outcome
from tasks.errors import PermanentError
from tasks.intervals import Span
from tasks.settings.home import sample
from tasks.step import StepContext
from tasks.transcription import task as transcription
from tasks.transcription.step import ChunkWords
from tests.helpers.whole_runs import process, read_rows

pytestmark = pytest.mark.usefixtures("prefect_server")

Transcribe = Callable[[Span], ChunkWords | None]
ALONE = {"models": {"run_in": "process"}, "punctuation": {"mode": "never"}, "diarization": {"engine": "off"}}
SEAM_S = 12.0
"""Spans decoded again are shorter than this, chunks are longer."""


@pytest.fixture
def clip(home: Path) -> Path:
    """Two and a half minutes of the sample, which become four chunks. Only for this module: results are cached."""
    from tasks.audio.decode import decode

    path = home / "two neighbours.flac"
    soundfile.write(path, decode(sample(), Span(300.0, 450.0)), 16_000)
    return path


@pytest.fixture
def replace_engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Transcribe], None]:
    """Replace the engine's result by that of a function of the span, unless it returns None."""
    here = threading.local()
    samples, original = StepContext.samples, transcription.transcribe_chunk

    def remember_span(self: StepContext, sound: Any, *more: Any) -> Any:
        here.span = sound.span
        return samples(self, sound, *more)

    def install(transcribe: Transcribe) -> None:
        def call_engine(*args: Any) -> ChunkWords:
            result = transcribe(here.span)
            return original(*args) if result is None else result

        monkeypatch.setattr(StepContext, "samples", remember_span)
        monkeypatch.setattr(transcription, "transcribe_chunk", call_engine)

    return install


def is_middle(span: Span) -> bool:
    return span.start_s > 20 and span.end_s < 140


def chunks_of(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [
        (c["status"], c["error"]) for c in sorted(read_rows(outcome["out"], "chunks"), key=lambda c: c["chunk_index"])
    ]


def test_two_failed_neighbours_leave_the_other_chunks(
    clip: Path, home: Path, replace_engine: Callable[[Transcribe], None]
) -> None:
    def transcribe(span: Span) -> ChunkWords | None:
        if is_middle(span):
            raise PermanentError("the engine fails on this sound")
        return None

    replace_engine(transcribe)
    outcome = process(clip, home / "neighbours", **ALONE)
    assert outcome["status"] == "partial"
    assert outcome["chunks_failed"] == 2
    assert [status for status, _ in chunks_of(outcome)] == ["complete", "failed", "failed", "complete"]
    words = read_rows(outcome["out"], "words")
    assert {w["chunk_index"] for w in words} == {0, 3}


def test_speech_at_a_seam_that_cannot_be_decoded_again_is_reported_and_the_rest_published(
    clip: Path, home: Path, replace_engine: Callable[[Transcribe], None]
) -> None:
    redecoded: list[Span] = []

    def transcribe(span: Span) -> ChunkWords | None:
        if span.duration_s < SEAM_S:
            redecoded.append(span)
            raise PermanentError("the engine fails on this sound")
        return ChunkWords() if is_middle(span) else None

    replace_engine(transcribe)
    outcome = process(clip, home / "seam", **ALONE)
    assert redecoded
    assert outcome["status"] == "partial"
    assert outcome["chunks_failed"] == 0
    errors = [error for status, error in chunks_of(outcome) if status == "complete" and error]
    assert errors
    assert all("could not be heard again: the engine fails on this sound" in error for error in errors)
    assert {w["chunk_index"] for w in read_rows(outcome["out"], "words")} == {0, 3}
