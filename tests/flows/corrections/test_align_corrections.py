"""Times of corrected words by an aligner: kept with the fact, so that every later run has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from flows.corrections.align import align_facts, open_aligner
from tasks.corrections.facts import Fact, Restore
from tasks.dataset.read import read_transcript
from tasks.intervals import Span
from tasks.settings.load import load
from tests.alignment.small_aligners import ring, write_ctc
from tests.helpers.corrected_recording import RECORDING, SHA256, CorrectedRecording


@pytest.fixture
def place(tmp_path: Path) -> Iterator[CorrectedRecording]:
    with pytest.MonkeyPatch.context() as patch:
        made = CorrectedRecording(tmp_path, patch)
        made.formats = ("srt", "report")
        made.run("run-1")
        yield made


def align_evenly(samples: Any, stretches: Any, texts: Any, language: str | None) -> list[Any]:
    """Words of 0.1 s, one each half second of the sound; none for what has no letter."""
    assert language == "en"
    assert len(samples) == round(stretches[0][1] * 16000)
    return [[(0.5 * k, 0.5 * k + 0.1, 0.9) if w.isalnum() else None for k, w in enumerate(texts[0])]]


def test_new_words_have_the_times_that_the_aligner_found(place: CorrectedRecording) -> None:
    fact = place.edit(1, "So be it")
    place.apply(*align_facts([fact], place.out, align_evenly))
    for run_id in ("run-1", "run-2"):
        words = [w for w in read_transcript(place.out, RECORDING).words if 4.6 < w.start_s < 9.6]
        assert [(w.text, w.times, round(w.end_s, 3)) for w in words] == [
            ("So", "aligned", 4.8),
            ("be", "aligned", 5.3),
            ("it", "aligned", 5.8),
        ], run_id
        place.run("run-2")


def test_what_is_not_wholly_found_or_has_no_sound_is_left_to_its_length(place: CorrectedRecording) -> None:
    rows = [place.edit(1, "So it …"), place.edit(2, ""), Restore(SHA256, Span(0.0, 1.0))]
    assert align_facts(rows, place.out, align_evenly) == rows
    fact = place.edit(1, "So be it")
    place.sound.unlink()
    assert align_facts([fact], place.out, align_evenly) == [fact]
    other = Fact("ff" * 32, Span(0.0, 1.0), now="x")
    assert align_facts([other], place.out, align_evenly) == [other]


@pytest.mark.slow
def test_an_aligner_hears_when_the_words_are_said(place: CorrectedRecording, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    soundfile.write(place.sound, ring("CAB", (6.0, 7.0, 8.5), 60.0), 16_000)
    chosen = {"aligner": "ctc", "aligner_model": str(write_ctc(tmp_path / "ctc"))}
    settings = load({"transcription": chosen, "models": {"run_in": "process"}})
    place.apply(*align_facts([place.edit(1, "C A B")], place.out, open_aligner(settings)))
    words = [w for w in read_transcript(place.out, RECORDING).words if w.edited]
    assert [(w.text, w.times) for w in words] == [("C", "aligned"), ("A", "aligned"), ("B", "aligned")]
    assert [w.start_s for w in words] == pytest.approx([6.0, 7.0, 8.5], abs=0.1)
