"""The quality of a recording whose microphone dies, through the whole flow: table, alarm, report; again from the
cache; and of one with a speaker on each channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from tasks.audio.decode import decode
from tasks.dataset.read import read_transcript
from tasks.intervals import Span
from tasks.settings.home import sample

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]

RATE = 16_000
SPOKEN_S, DEAD_S = 75.0, 330.0


def process(path: Path, out: Path, **settings: Any) -> Outcome:
    from flows.process_recording import process_recording

    given = {"profile": "demo", "out": str(out), "audio": {"recorded_at": "2026-03-02T13:58:45"}, **settings}
    return process_recording(str(path), given)


def test_a_dead_microphone_is_told_with_its_time_and_again_from_the_cache(home: Path) -> None:
    hiss = np.random.default_rng(1).normal(0, 10 ** (-85 / 20), round(DEAD_S * RATE)).astype(np.float32)
    spoken = np.clip(8 * decode(sample(), Span(0.0, SPOKEN_S)), -1, 1)
    path = home / "monday.wav"
    soundfile.write(path, np.concatenate([spoken, hiss]), RATE)
    first = process(path, home / "out-quality", exports={"formats": ["report"]})
    # Its speech is far too loud, too.
    clipped, dead = sorted(first["alarms"], key=lambda line: "dead" in line)
    assert dead == "monday.wav: from 14:00 on nothing but −85 dBFS: is the microphone dead?"
    assert "of the speech is clipped" in clipped
    held = read_transcript(home / "out-quality", first["recording_id"])
    whole = held.quality[0]
    assert whole.dead_from_s == pytest.approx(SPOKEN_S, abs=11)
    assert whole.num_words == first["num_words"] > 50
    assert 0 < (whole.expected_wer or 0) < 1
    assert {q.speaker for q in held.quality} == {None, *(s.label for s in held.speakers)}
    report = (Path(first["exports"]) / "report.html").read_text(encoding="utf-8")
    assert "From 14:00 on nothing but −85 dBFS: is the microphone dead?" in report
    again = process(path, home / "out-quality", exports={"formats": ["report"]})
    assert (again["engine_calls"], again["alarms"]) == (0, first["alarms"])
    assert read_transcript(home / "out-quality", first["recording_id"]).quality == held.quality


def test_each_speakers_level_is_that_of_their_channel(home: Path) -> None:
    sound = decode(sample(), Span(0.0, 40.0))
    half = len(sound) // 2
    left, right = sound.copy(), 0.1 * sound
    left[half:], right[:half] = 0, 0
    path = home / "call.wav"
    soundfile.write(path, np.stack([left, right], axis=1), RATE)
    done = process(path, home / "out-quality", audio={"channels": "separate"}, exports={"formats": ["txt"]})
    found = {q.speaker: q for q in read_transcript(home / "out-quality", done["recording_id"]).quality}
    levels = [found[label].speech_dbfs for label in sorted(found.keys() - {None}, key=str)]
    assert len(levels) == 2
    assert levels[0] - levels[1] == pytest.approx(20, abs=5)  # type: ignore[operator]
