"""Chunks and seams on which an engine fails for good, in the flow as it is: the rest of the day is published."""

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
from tests.flows.test_process_recording import process, rows

pytestmark = pytest.mark.usefixtures("prefect_server")

Heard = Callable[[Span], ChunkWords | None]
ALONE = {"models": {"run_in": "process"}, "punctuation": {"mode": "never"}, "diarization": {"engine": "off"}}
SEAM_S = 12.0
"""What is heard again is shorter than any chunk."""


@pytest.fixture
def clip(home: Path) -> Path:
    """Two and a half minutes of the sample, which become four chunks. No other test's: what is said of them here is
    cached."""
    from tasks.audio.decode import decode

    path = home / "two neighbours.flac"
    soundfile.write(path, decode(sample(), Span(300.0, 450.0)), 16_000)
    return path


@pytest.fixture
def hearing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Heard], None]:
    """Put what a function says of a span of the recording in the place of what the engine would say."""
    here = threading.local()
    samples, transcribed = StepContext.samples, transcription.transcribe_chunk

    def remembered(self: StepContext, sound: Any, *more: Any) -> Any:
        here.span = sound.span
        return samples(self, sound, *more)

    def say(heard: Heard) -> None:
        def transcribe(*args: Any) -> ChunkWords:
            said = heard(here.span)
            return transcribed(*args) if said is None else said

        monkeypatch.setattr(StepContext, "samples", remembered)
        monkeypatch.setattr(transcription, "transcribe_chunk", transcribe)

    return say


def middle(span: Span) -> bool:
    return span.start_s > 20 and span.end_s < 140


def chunks_of(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [(c["status"], c["error"]) for c in sorted(rows(outcome["out"], "chunks"), key=lambda c: c["chunk_index"])]


def test_two_neighbours_that_fail_leave_the_others(clip: Path, home: Path, hearing: Callable[[Heard], None]) -> None:
    def heard(span: Span) -> ChunkWords | None:
        if middle(span):
            raise PermanentError("the engine fails on this sound")
        return None

    hearing(heard)
    outcome = process(clip, home / "neighbours", **ALONE)
    assert outcome["status"] == "partial"
    assert outcome["chunks_failed"] == 2
    assert [status for status, _ in chunks_of(outcome)] == ["complete", "failed", "failed", "complete"]
    words = rows(outcome["out"], "words")
    assert {w["chunk_index"] for w in words} == {0, 3}


def test_speech_at_a_seam_that_cannot_be_heard_again_is_told_and_the_rest_published(
    clip: Path, home: Path, hearing: Callable[[Heard], None]
) -> None:
    asked: list[Span] = []

    def heard(span: Span) -> ChunkWords | None:
        if span.duration_s < SEAM_S:
            asked.append(span)
            raise PermanentError("the engine fails on this sound")
        return ChunkWords() if middle(span) else None

    hearing(heard)
    outcome = process(clip, home / "seam", **ALONE)
    assert asked
    assert outcome["status"] == "partial"
    assert outcome["chunks_failed"] == 0
    told = [error for status, error in chunks_of(outcome) if status == "complete" and error]
    assert told
    assert all("could not be heard again: the engine fails on this sound" in error for error in told)
    assert {w["chunk_index"] for w in rows(outcome["out"], "words")} == {0, 3}
