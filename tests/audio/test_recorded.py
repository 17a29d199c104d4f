"""When a recording started: its container's word, else its name's, else the file's last change."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import numpy as np
import pytest
from made_sounds import noise, write

from tasks.audio.probe import probe
from tasks.audio.recorded import from_name, recorded_at

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "stem",
    [
        "2026-03-01_09-15-00",
        "20260301T091500",
        "desk 2026-03-01 09.15.00",
        "REC_20260301_091500_mono",
        "20260301091500",
        "2026.03.01-09-15",
        "VN-2026-03-01T09h15",
    ],
)
def test_a_date_and_time_in_the_name_are_local_time(stem: str) -> None:
    found = from_name(stem, BERLIN)
    assert found is not None
    assert found.isoformat() == "2026-03-01T09:15:00+01:00"


@pytest.mark.parametrize("stem", ["interview", "2026-03-01", "2026-13-45_09-15-00", "1234567890123456"])
def test_other_digits_are_no_time(stem: str) -> None:
    assert from_name(stem, BERLIN) is None


def test_metadata_is_believed_before_the_name() -> None:
    tags = {"creation_time": "2026-03-01T08:15:00.000000Z"}
    assert recorded_at(tags, "2020-01-01_00-00-00", 0, 0, "Europe/Berlin") == (
        "2026-03-01T09:15:00+01:00",
        "metadata",
    )


@pytest.mark.parametrize("when", ["1904-01-01T00:00:00.000000Z", "1970-01-01T00:00:00Z", "yesterday", ""])
def test_a_clock_that_was_never_set_is_not_believed(when: str) -> None:
    assert recorded_at({"creation_time": when}, "2026-03-01_09-15-00", 0, 0, "UTC")[1] == "name"


def test_broadcast_wav_has_day_and_time_apart() -> None:
    found = recorded_at({"date": "2026-03-01", "creation_time": "09:15:00"}, "x", 0, 0, "Europe/Berlin")
    assert found == ("2026-03-01T09:15:00+01:00", "metadata")


def test_the_last_change_is_when_recording_ended(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", noise(10))
    os.utime(path, (1_772_356_510, 1_772_356_510))
    found = probe(path)
    assert (found.recorded_at, found.recorded_at_source) == ("2026-03-01T09:15:00+00:00", "mtime")


def test_a_container_with_a_clock(tmp_path: Path) -> None:
    path = tmp_path / "x.m4a"
    with av.open(str(path), "w") as file:
        file.metadata["creation_time"] = "2026-03-01T08:15:00Z"
        track = file.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
        frame.rate, frame.pts = 16_000, 0
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    found = probe(path, timezone="Europe/Berlin")
    assert (found.recorded_at, found.recorded_at_source) == ("2026-03-01T09:15:00+01:00", "metadata")
    assert found.timezone == "Europe/Berlin"
