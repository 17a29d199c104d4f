"""What a review knows of a recording: corrections of others by the same recogniser, and other recognisers' words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.review.evidence import find_disputed, judge_others
from flows.review.session import Review
from tasks.comparison.records import EngineRun
from tasks.comparison.words_file import FOLDER, SUFFIX, read_runs, write_runs
from tasks.corrections.store import read_log
from tasks.dataset.read import read_transcript
from tasks.intervals import Span
from tasks.records import Transcript, Word
from tests.helpers.corrected_recording import RECORDING, CorrectedRecording


@pytest.fixture
def place(tmp_path: Path) -> Iterator[CorrectedRecording]:
    with pytest.MonkeyPatch.context() as patch:
        made = CorrectedRecording(tmp_path, patch)
        made.run("run-1")
        yield made


def compare_with(place: CorrectedRecording, words: tuple[Word, ...], model: str = "another") -> None:
    """Write what `daylong compare` leaves of another recogniser."""
    path = place.out / FOLDER / f"{RECORDING}{SUFFIX}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(write_runs([EngineRun("two", "faster-whisper", model, "cpu", words)])))


def change(transcript: Transcript, within: Span) -> tuple[Word, ...]:
    return tuple(replace(w, text="other") if w.middle_s in within else w for w in transcript.words)


def test_words_are_read_back_as_they_were_written() -> None:
    word = Word(1.0, 1.5, "So", chunk=0, channel=0, space_before=False)
    (run,) = read_runs(json.loads(json.dumps(write_runs([EngineRun("a", "x", "m", "cpu", (word,))]))))
    assert (run.label, run.model, run.words) == ("a", "m", (word,))


@pytest.mark.parametrize("held", [{}, {"version": 2, "runs": []}, {"version": 1, "runs": [{"label": "a"}]}])
def test_other_files_are_told_by_an_error(held: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_runs(held)


def test_where_another_recogniser_heard_something_else_is_disputed(place: CorrectedRecording) -> None:
    transcript = read_transcript(place.out, RECORDING)
    assert find_disputed(place.out, transcript) is None
    compare_with(place, change(transcript, Span(5.0, 9.0)))
    found = find_disputed(place.out, transcript)
    assert found
    assert all(5.0 <= s.start_s < s.end_s <= 9.5 for s in found)


def test_the_same_recogniser_and_a_damaged_file_dispute_nothing(place: CorrectedRecording) -> None:
    published = read_transcript(place.out, RECORDING)
    models = {"transcription": "base (a revision of it)"}
    transcript = replace(published, run=replace(published.run, models=models))
    compare_with(place, change(transcript, Span(5.0, 9.0)), "base")
    assert find_disputed(place.out, transcript) is None
    (place.out / FOLDER / f"{RECORDING}{SUFFIX}").write_text("[")
    assert find_disputed(place.out, transcript) is None


def test_disputed_lines_come_first(place: CorrectedRecording) -> None:
    transcript = read_transcript(place.out, RECORDING)
    compare_with(place, change(transcript, Span(10.0, 14.5)))
    review = Review(place.out, RECORDING, 600.0, say=lambda line: None)
    assert review.find_prospect().lines[0].span.start_s == 10.0


def test_corrections_of_other_recordings_by_the_same_recogniser_count(place: CorrectedRecording) -> None:
    place.apply(place.edit(0, "It was."))
    held, own = read_log(place.store), read_transcript(place.out, RECORDING)
    assert judge_others(held, place.store, own).evidence == ()
    other = replace(own, recording=replace(own.recording, sha256="f" * 64))
    judged = judge_others(held, place.store, other)
    assert len(judged.evidence) == len(judged.wrong) == 5
    assert any(judged.wrong)
    elsewhere = replace(other, run=replace(other.run, models={"transcription": "another"}))
    assert judge_others(held, place.store, elsewhere).evidence == ()
