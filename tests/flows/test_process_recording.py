"""The whole flow on real engines with the demo weights: what it publishes, and what it tells meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from flows.reporting.progress import Snapshot
from tests.helpers.chat_service import run_chat_service
from tests.helpers.whole_runs import process, read_rows, read_task_runs

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_recording_becomes_tables_and_subtitles(first_run: tuple[Outcome, list[Snapshot]]) -> None:
    outcome, _ = first_run
    assert outcome["status"] == "complete"
    assert outcome["num_chunks"] >= 3
    assert outcome["num_speakers"] >= 2
    assert outcome["language"] == "en"
    assert {p.name for p in Path(outcome["exports"]).iterdir()} == {
        "report.html",
        *(f"transcript.{s}" for s in ("srt", "vtt", "txt", "json", "rttm", "ctm", "seglst.json")),
    }
    words = read_rows(outcome["out"], "words")
    assert len(words) == outcome["num_words"] > 100
    assert all(0 <= w["start_s"] <= w["end_s"] <= 150.1 for w in words)
    (recording,) = read_rows(outcome["out"], "recordings")
    assert recording["num_words"] == len(words)
    assert json.loads(recording["models"]).keys() == {"transcription", "embedding", "punctuation"}
    assert {w["run_id"] for w in words} == {recording["run_id"]}


def test_progress_is_reported_from_start_to_end(first_run: tuple[Outcome, list[Snapshot]]) -> None:
    outcome, seen = first_run
    stages = list(dict.fromkeys(s.stage for s in seen))
    assert stages[:5] == ["probe", "speech map", "plan", "language", "chunks"]
    assert stages[-1] == "done"
    in_chunks = [s for s in seen if s.stage == "chunks"]
    assert [s.steps_done for s in in_chunks] == sorted(s.steps_done for s in in_chunks)
    assert in_chunks[-1].fraction == 1.0
    assert in_chunks[-1].chunks_done == outcome["num_chunks"]
    assert max(s.mapped_s for s in seen) == pytest.approx(150.0, abs=1.0)


def test_one_task_run_does_the_steps_of_a_chunk(first_run: tuple[Outcome, list[Snapshot]]) -> None:
    names = read_task_runs(first_run[0]["run_id"], awaited="publish").keys()
    chunks = sorted(name for name in names if name.startswith("chunk "))
    assert len(chunks) == first_run[0]["num_chunks"]
    assert chunks[0].startswith(f"chunk 1/{len(chunks)} · 00:00:00 – 00:00:")
    others = {"probe", "speech-map", "plan", "language", "linking", "seams", "merging", "publish"}
    assert others <= names <= {*others, *chunks, "transcribe seams"}


def test_progress_is_an_artifact_in_prefect(first_run: tuple[Outcome, list[Snapshot]]) -> None:
    from prefect.artifacts import Artifact

    found = Artifact.get("daylong-progress")
    assert found is not None
    assert found.data == 100.0


def test_a_run_translates_and_a_service_that_is_away_costs_no_transcript(
    first_run: tuple[Outcome, list[Snapshot]], sample_clip: Path, home: Path
) -> None:
    with run_chat_service() as service:
        given = {"languages": "de", "base_url": service.url, "model": "some-model"}
        done = process(sample_clip, home / "translated", translation=given)
    exports = Path(done["exports"])
    assert len(service.asked) > 0
    german, spoken = ((exports / f"transcript.{name}").read_text() for name in ("de.txt", "txt"))
    assert german != spoken
    assert [line[:10] for line in german.splitlines()] == [line[:10] for line in spoken.splitlines()]
    assert {r["status"] for r in read_rows(done["out"], "translations")} == {"translated"}
    gone = {**given, "base_url": "http://127.0.0.1:9/v1", "attempts": 1}
    left = process(sample_clip, home / "untranslated", translation=gone)
    assert (left["status"], left["engine_calls"]) == ("complete", 0)
    assert not list((home / "untranslated").glob("translations/*"))


def test_files_of_one_recording_give_the_words_of_the_uncut_one(
    first_run: tuple[Outcome, list[Snapshot]], sample_clip: Path, home: Path
) -> None:
    sound, _ = soundfile.read(sample_clip, dtype="int16")
    day = home / "monday"
    day.mkdir()
    for i, part in enumerate(np.split(sound, [700_001, 1_500_007])):  # somewhere within words
        soundfile.write(day / f"{i}.wav", part, 16_000)
    outcome = process(day, home / "parts")
    assert outcome["source_name"] == "monday"
    split_words, uncut_words = read_rows(outcome["out"], "words"), read_rows(first_run[0]["out"], "words")
    for what in ("word", "start_s", "end_s", "speaker"):
        assert [w[what] for w in split_words] == [
            w[what] for w in uncut_words if w["recording_id"] == first_run[0]["recording_id"]
        ]
    (recording,) = read_rows(outcome["out"], "recordings")
    assert [(p["name"], p["start_s"]) for p in recording["parts"]] == [
        ("0.wav", 0.0),
        ("1.wav", 700_001 / 16_000),
        ("2.wav", 1_500_007 / 16_000),
    ]
    # its files, named one by one, are the same recording
    again = process(day / "2.wav", home / "parts", together=[str(day / "0.wav"), str(day / "1.wav")])
    assert again["recording_id"] == outcome["recording_id"]
    assert again["engine_calls"] == 0


def test_silence_gives_valid_empty_outputs_and_calls_no_engine_of_a_chunk(home: Path) -> None:
    path = home / "silence.wav"
    soundfile.write(path, np.zeros(16_000 * 40, np.float32), 16_000)
    outcome = process(path, home / "silent")
    assert (outcome["num_words"], outcome["num_speakers"], outcome["steps"]) == (0, 0, 0)
    assert outcome["status"] == "complete"
    for table in ("words", "turns", "segments", "speakers"):
        assert read_rows(home / "silent", table) == []
    assert [c["status"] for c in read_rows(home / "silent", "chunks")] == ["no_speech"]
    assert (Path(outcome["exports"]) / "transcript.vtt").read_text().startswith("WEBVTT")
