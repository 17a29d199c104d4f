"""What the benchmark of a whole day measures with, measured."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.intervals import measure_union_s
from tests.benchmarks.day.beside import END, START, beside
from tests.benchmarks.day.recording import MEETINGS, PEOPLE, meetings
from tests.benchmarks.day.tape import NOISE, RATE_HZ, tape


def test_a_tape_holds_each_sound_at_its_place(tmp_path: Path) -> None:
    ring = np.full(RATE_HZ // 2, 0.25, np.float32)
    with tape(tmp_path / "a.flac", 1) as sound:
        for start in (0.5, 0.75, 130.0):  # two that overlap, one beyond several blocks
            sound.write_until(start)
            sound.lay(start, ring)
        sound.write_until(150.0)
        with pytest.raises(ValueError, match="written already"):
            sound.lay(149.0, ring)
    samples, rate = soundfile.read(tmp_path / "a.flac")
    assert (len(samples), rate) == (150 * RATE_HZ, RATE_HZ)
    level = samples.reshape(-1, RATE_HZ // 4).mean(axis=1)
    expected = np.zeros(len(level))
    expected[[2, 4, 520, 521]] = 0.25
    expected[3] = 0.5
    assert np.abs(level - expected).max() < 10 * NOISE


@pytest.mark.parametrize("hours", [1 / 6, 1.0, 24.0, 168.0])
def test_meetings_lie_one_after_the_other_and_fill_their_share(hours: float) -> None:
    held = meetings(hours, 1)
    spans = [m.span for m in held]
    assert all(a.end_s <= b.start_s for a, b in pairwise(spans))
    assert spans[0].start_s >= 0
    assert spans[-1].end_s <= hours * 3600 + 1e-6
    assert measure_union_s(spans) == pytest.approx(MEETINGS * hours * 3600)
    assert all(len(set(m.people)) == len(m.people) >= 2 for m in held)


def test_everybody_comes_back_over_a_day() -> None:
    seats = [p for m in meetings(24.0, 1) for p in m.people]
    assert all(seats.count(p) >= 2 for p in range(len(PEOPLE)))


def test_what_stands_beside_the_engines_is_what_no_engine_does() -> None:
    names = ["probe", "speech map", "plan", "language", "chunks", "linking", "seams", "merging", "publishing", "done"]
    heard: dict[str, Any] = {
        "stages": [(name, 10.0 * (k + 1), 0.0) for k, name in enumerate(names)],
        # 6 s of Silero within the map; in the chunks 4 s, after 3 s of loading
        "calls": [("audio/silero", 22.0, 28.0, 0.0), ("transcription/faster-whisper", 55.0, 59.0, 3.0)],
        "bodies": [("transcription", 51.0, 59.5, 0.5), ("linking", 60.0, 69.0, 9.0)],
        "decoding": [(23.0, 24.0, 0.25), (51.0, 52.0, 0.75)],
    }
    run = {"launched": 0.0, "ended": 110.0, "heard": heard, "outcome": {"duration_s": 7200.0, "speech_s": 2400.0}}
    found = beside(run, run)
    assert found.rows[START] == found.rows[END] == found.rows["linking"] == 5.0
    assert found.rows["speech map beside Silero (decoding)"] == 2.0
    assert found.rows["chunks: decoding"] == 0.375  # the map's own decoding is in the map's row
    assert found.rows["chunks: transcription beside its engine"] == 0.25
    assert found.rows["chunks: Prefect and the cache"] == 5.0
    assert found.engines == {"audio/silero": 3.0, "transcription/faster-whisper": 2.0}
    assert (found.loading_s, found.idle_s, found.speech_s) == (3.0, (110 - 6 - 7) / 2, 1200.0)
    assert found.gpu_engines_s(100.0) == 12.0 + 3.0
    assert found.gpu_share(100.0) == pytest.approx(found.total_s / (found.total_s + 15.0))
