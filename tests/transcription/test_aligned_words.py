"""A recogniser without times of words, through the step: words have the aligner's times, or shares by length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tasks.contracts import read_words
from tasks.engines.engine import Engine
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities
from tasks.intervals import Span
from tasks.records import Audio, Sound, Word
from tasks.settings.schema import TranscriptionSettings
from tasks.step import StepContext
from tasks.storage.artifacts import ArtifactStore
from tasks.transcription.task import TranscribeJob, transcribe
from tasks.weights.resolve import ResolvedWeights
from tests.alignment.small_aligners import ring, write_ctc
from tests.helpers.other_engines import register

RATE = 16_000
SPOKEN = ring("ABCABD", [100.3, 100.7, 101.2, 102.0, 102.3, 103.0], 104.0)
TEXT = ["“ab,", "C", "–", "Ab", "d"]


class Recogniser:
    def transcribe(
        self, samples: Any, stretches: Sequence[Any], language: str | None = None, options: Any = None
    ) -> list[RawWord]:
        return [
            RawWord(start=None, end=None, word=f" {text}", probability=None, stretch=i)
            for i in range(len(stretches))
            for text in TEXT
        ]


def load() -> Recogniser:
    return Recogniser()


def build(_settings: Any, _weights: Path, _device: str) -> Engine:
    return Engine.of("transcription/other", f"{__name__}:load")


def run(folder: Path, aligner: ResolvedWeights | None) -> list[Word]:
    place = StepContext(
        ArtifactStore(str(folder)),
        lambda _, span, __: SPOKEN[round(span.start_s * RATE) : round(span.end_s * RATE)],
    )
    can = Capabilities(word_times="none", detects_language=False)
    with register(build=build, capabilities=can):
        settings = TranscriptionSettings(engine="other", language="en", aligner="ctc" if aligner else "fast")
        sound = Sound(Audio("tones"), Span(100.0, 104.0), (Span(100.2, 103.3),))
        job = TranscribeJob(0, sound, settings, ResolvedWeights("transcription/other", "o", folder, "o"), aligner)
        return read_words(place.store, transcribe.fn(job, place, "en", None))


def test_words_have_the_aligners_times_where_there_is_one(tmp_path: Path) -> None:
    aligner = ResolvedWeights("alignment/ctc", "ctc", write_ctc(tmp_path / "ctc"), "c")
    words = run(tmp_path, aligner)
    assert [(w.text, w.times) for w in words] == [(t, "aligned") for t in ("“ab,", "C –", "Ab", "d")]
    expected = [(100.3, 100.9), (101.2, 101.4), (102.0, 102.5), (103.0, 103.2)]
    assert [(w.start_s, w.end_s) for w in words] == [pytest.approx(e, abs=0.06) for e in expected]
    assert all(w.confidence and w.confidence > 0.5 for w in words)


def test_without_one_they_share_their_stretch_by_length(tmp_path: Path) -> None:
    words = run(tmp_path, None)
    assert {w.times for w in words} == {"fast"}
    assert words[0].end_s - words[0].start_s > words[1].end_s - words[1].start_s
    assert {w.confidence for w in words} == {None}
