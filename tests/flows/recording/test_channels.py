"""`audio.channels = separate`: each channel is one speaker, whatever the others say at the same time."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from flows.reporting.progress import Snapshot, subscribe
from tasks.audio.decode import decode
from tasks.errors import PermanentError
from tasks.intervals import Span
from tasks.settings.home import sample

pytestmark = pytest.mark.usefixtures("prefect_server")

LENGTH_S = 60.0
LATE_S = 4.0
PLACES_S = (345.0, 1705.0)
"""Stretches of the sample where nobody interrupts, one for each channel; the second begins `LATE_S` later."""


def process(path: Path, out: Path, **settings: Any) -> Outcome:
    from flows.process_recording import process_recording

    return process_recording(str(path), {"profile": "demo", "out": str(out), **settings})


@pytest.fixture(scope="module")
def call(home: Path) -> Path:
    """Two channels with one speaker each, who talk independently of each other."""
    left, right = (decode(sample(), Span(at_s, at_s + LENGTH_S)).copy() for at_s in PLACES_S)
    right = np.concatenate([np.zeros(round(LATE_S * 16_000), np.float32), right])[: len(left)]
    path = home / "call.wav"
    soundfile.write(path, np.stack([left, right], axis=1), 16_000)
    return path


@pytest.fixture(scope="module")
def snapshots() -> list[Snapshot]:
    """The progress of `separate`."""
    return []


@pytest.fixture(scope="module")
def separate(call: Path, home: Path, snapshots: list[Snapshot]) -> Outcome:
    chunks = {"min_minutes": 0.5, "max_minutes": 0.8, "overlap_s": 8}
    with subscribe(snapshots.append):
        return process(call, home / "separate", audio={"channels": "separate"}, chunking=chunks)


def rows(out: str, table: str) -> list[dict[str, Any]]:
    found = duckdb.sql(f"select * from read_parquet('{out}/{table}/*/*.parquet')")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def read_reference_words(at_s: float, length_s: float) -> list[str]:
    """The reference's words of utterances that lie in a stretch of the sample."""
    words: list[str] = []
    for line in sample().with_suffix(".stm").read_text().splitlines():
        _, _, _, start, end, *text = line.split()
        if at_s + 1 < float(start) and float(end) < at_s + length_s - 1:
            words += [w for w in text if not w.startswith("<")]
    return words


def test_each_channel_has_its_own_words_and_speaker(separate: Outcome) -> None:
    assert (separate["status"], separate["num_speakers"], separate["num_chunks"]) == ("complete", 2, 2)
    words = rows(separate["out"], "words")
    for channel, (at_s, late_s) in enumerate(zip(PLACES_S, (0.0, LATE_S), strict=True)):
        own = [w for w in words if w["channel"] == channel]
        assert {(w["speaker"], w["local_speaker"]) for w in own} == {(f"SPEAKER_{channel:02d}", str(channel))}
        expected = [w.lower() for w in read_reference_words(at_s, LENGTH_S - late_s)]
        matcher = difflib.SequenceMatcher(None, expected, [w["word_raw"] for w in own], autojunk=False)
        assert len(expected) > 60
        found = sum(block.size for block in matcher.get_matching_blocks())
        assert found > 0.8 * len(expected), channel
    assert sum(w["is_overlap"] for w in words) > 0.5 * len(words)
    assert [w["start_s"] for w in words] == sorted(w["start_s"] for w in words)


def test_progress_counts_each_channel_and_all_channels_together(separate: Outcome, snapshots: list[Snapshot]) -> None:
    assert {s.mapped_s for s in snapshots} == {0.0, 20.0, 40.0, 50.0, 60.0}


def test_turns_and_chunks_cover_both_channels(separate: Outcome) -> None:
    turns = rows(separate["out"], "turns")
    assert {(t["channel"], t["speaker"]) for t in turns} == {(0, "SPEAKER_00"), (1, "SPEAKER_01")}
    chunks = rows(separate["out"], "chunks")
    assert sum(c["num_words"] for c in chunks) >= separate["num_words"]
    assert all(c["transcription_s"] > 0 and c["embedding_s"] > 0 for c in chunks)
    assert all(c["diarization_s"] is None for c in chunks)
    assert (Path(separate["exports"]) / "transcript.srt").stat().st_size > 1000
    rttm = (Path(separate["exports"]) / "transcript.rttm").read_text().splitlines()
    assert {line.split()[2] for line in rttm} == {"1", "2"}


def test_each_channels_speaker_has_an_embedding_for_identification(separate: Outcome, call: Path, home: Path) -> None:
    speakers = {s["speaker"]: s for s in rows(separate["out"], "speakers")}
    assert {(s["embedding_model"], s["link_margin"]) for s in speakers.values()} == {("demo:speaker", None)}
    voices = np.array([speakers[f"SPEAKER_{k:02d}"]["embedding"] for k in range(2)])
    np.testing.assert_allclose(np.linalg.norm(voices, axis=1), 1.0, atol=1e-5)
    # Each channel processed by itself, as a recording of one speaker, has the same embedding.
    embeddings = []
    for name, samples in zip(("left", "right"), soundfile.read(call, dtype="float32")[0].T, strict=True):
        soundfile.write(home / f"{name}.wav", samples, 16_000)
        process(home / f"{name}.wav", home / name, diarization={"num_speakers": 1})
        (one,) = [s for s in rows(str(home / name), "speakers") if s["speaker"] != "UNKNOWN"]
        embeddings.append(one["embedding"])
    similarity = voices @ np.array(embeddings).T
    assert similarity.argmax(axis=1).tolist() == [0, 1]
    assert similarity.diagonal().min() > 0.95


def test_a_second_run_calls_no_engine(separate: Outcome, call: Path, home: Path) -> None:
    chunks = {"min_minutes": 0.5, "max_minutes": 0.8, "overlap_s": 8}
    again = process(call, home / "again", audio={"channels": "separate"}, chunking=chunks)
    assert again["engine_calls"] == 0
    assert again["num_words"] == separate["num_words"]


def test_without_diarization_words_have_no_speaker(call: Path, home: Path) -> None:
    out = home / "off"
    process(call, out, audio={"channels": "separate"}, diarization={"engine": "off"})
    assert {w["speaker"] for w in rows(str(out), "words")} == {None}


def test_one_channel_can_t_be_two_speakers(home: Path) -> None:
    path = home / "mono.wav"
    soundfile.write(path, decode(sample(), Span(60, 70)), 16_000)
    with pytest.raises(PermanentError, match=r"mono\.wav: has one channel"):
        process(path, home / "out", audio={"channels": "separate"})


@pytest.mark.parametrize(
    ("odd", "message"), [("a", "; .* Leave it out"), ("c", ""), ("bc", r" \(1 more differs\); .* Leave them out")]
)
def test_a_part_of_one_channel_among_others_of_two_is_named_before_any_work(
    tmp_path: Path, home: Path, odd: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.process_recording import process_recording
    from flows.recording import tracks

    def work(*_: Any) -> None:
        raise AssertionError("this comes before")

    monkeypatch.setattr(tracks, "map_speech", work)
    sound = decode(sample(), Span(60, 70))
    files = [tmp_path / f"{name}.wav" for name in "abc"]
    for file in files:
        soundfile.write(file, sound if file.stem in odd else np.stack([sound, sound], axis=1), 16_000)
    settings = {"profile": "demo", "out": str(home / "out"), "audio": {"channels": "separate"}}
    first, *more = map(str, files)
    with pytest.raises(PermanentError, match=rf"{odd[0]}\.wav: has 1 channel, others of .* have 2{message}"):
        process_recording(first, settings, more)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"num_speakers": 3}, "has 2 channels, but 3 speakers are asked for"),
        ({"min_speakers": 3}, "has 2 channels, but 3 speakers are asked for"),
        ({"num_speakers": 1}, "somebody speaks on 2 channels, but at most 1 speaker is asked for"),
        ({"max_speakers": 1}, "somebody speaks on 2 channels, but at most 1 speaker is asked for"),
    ],
)
def test_more_or_fewer_speakers_than_channels_are_refused(
    call: Path, home: Path, asked: dict[str, int], message: str
) -> None:
    with pytest.raises(PermanentError, match=message):
        process(call, home / "out", audio={"channels": "separate"}, diarization=asked)


def test_silent_channels_are_not_counted(call: Path, home: Path) -> None:
    sound, rate = soundfile.read(call, stop=20 * 16_000, dtype="float32")
    path = home / "four inputs.wav"
    soundfile.write(path, np.concatenate([sound, np.zeros_like(sound)], axis=1), rate)
    outcome = process(path, home / "inputs", audio={"channels": "separate"}, diarization={"max_speakers": 2})
    assert outcome["num_speakers"] == 2
