"""The table `quality` of a recording that is corrected: what words say follows, what the sound says stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.corrections.enter import undo_fact
from tasks.dataset.publish import publish
from tasks.dataset.read import read_transcript
from tasks.dataset.rows import tables
from tasks.exports import render
from tasks.quality.hours import assess, assess_again
from tasks.records import HourQuality
from tests.helpers.corrected_recording import RECORDING, CorrectedRecording
from tests.helpers.crashing_disk import without_fsync  # noqa: F401
from tests.helpers.sample_voices import make_recording
from tests.quality.test_hours import make_sound


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CorrectedRecording:
    made = CorrectedRecording(tmp_path, monkeypatch)
    spoken = make_recording("mon", ["Ada", "Bea"], sound=made.sound)
    made.machine = assess(spoken, make_sound(spoken))
    publish(made.machine, made.out, exports=render(made.machine, made.formats))
    return made


def read(place: CorrectedRecording) -> dict[str | None, HourQuality]:
    return {q.speaker: q for q in read_transcript(place.out, RECORDING).quality}


def test_corrected_words_have_no_errors_and_the_sound_stays(place: CorrectedRecording) -> None:
    before = read(place)
    assert before[None].expected_wer
    place.apply(*(place.edit(k, "Yes.") for k in range(4)))
    after = read(place)
    assert (after[None].expected_wer, after[None].num_words) == (0.0, 4)
    assert before[None].speech_dbfs == after[None].speech_dbfs == -30
    assert after[None].clipped_share == before[None].clipped_share


def test_a_speaker_who_is_corrected_away_comes_back_with_all_figures(place: CorrectedRecording) -> None:
    before = read(place)
    labels = sorted(label for label in before if label)
    said = {s.index: s.speaker for s in read_transcript(place.out, RECORDING).segments}
    to = labels.index(str(said[0]))
    lines = [k for k, speaker in said.items() if speaker != said[0]]
    for k in lines:
        place.apply(place.edit(k, None, to))
    assert set(read(place)) == {None, said[0]}
    for _ in lines:
        undo_fact(None)
    assert read(place) == before


def test_what_is_written_again_is_what_a_run_would_write(place: CorrectedRecording) -> None:
    place.apply(place.edit(1, "So it was, today."))
    held = read_transcript(place.out, RECORDING)
    assert assess_again(held).quality == held.quality
    assert tables(held)["quality"].num_rows == len(held.quality) == 3
