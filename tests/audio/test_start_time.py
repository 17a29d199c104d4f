"""When a recording started: a sidecar's word, else its name's, else its container's, else the file's last change."""

from __future__ import annotations

import json
import os
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import numpy as np
import pytest

from tasks.audio.probe import probe
from tasks.audio.start_time import find_start_time, read_name, read_time_in_name
from tasks.errors import UsageError
from tasks.paths import show_folder_as
from tasks.settings.load import load
from tests.helpers.sound_files import make_noise, write_sound

BERLIN = ZoneInfo("Europe/Berlin")
SEEN_S = 1_772_356_500.0
"""A modification time: 2026-03-01T09:15:00Z."""


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
    found = read_time_in_name(stem, BERLIN)
    assert found is not None
    assert found.isoformat() == "2026-03-01T09:15:00+01:00"


@pytest.mark.parametrize(
    "stem",
    [
        "20260301_091500-2534",
        "2026-03-01T09:15:00+9900",
        "20260301_091500-1275",
        "260301_091500-0001",
        "2026-03-01_09-15-00-0012",
        "2026-03-01_0915-1000",  # when it ended
        "20260301_0915-1030",
    ],
)
def test_counter_after_time_is_no_offset(stem: str) -> None:
    found = read_time_in_name(stem, BERLIN)
    assert found is not None
    assert found.isoformat() == "2026-03-01T09:15:00+01:00"


@pytest.mark.parametrize("when", ["9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-10:00"])
def test_date_out_of_range_is_skipped(tmp_path: Path, when: str) -> None:
    path = tmp_path / "a.wav"
    path.with_suffix(".json").write_text(json.dumps({"recorded_at": when}))
    at, source = find_start_time({"creation_time": when}, path, SEEN_S, 0.0, "Asia/Tokyo")
    assert (at, source) == ("2026-03-01T18:15:00+09:00", "mtime")


@pytest.mark.parametrize("mtime_s", [3e11, 1e300, -1e13])
def test_invalid_modification_time(tmp_path: Path, mtime_s: float) -> None:
    assert find_start_time({}, tmp_path / "a.wav", mtime_s, 0.0, "Europe/Berlin") == (None, None)


@pytest.mark.parametrize("stem", ["interview", "2026-03-01", "2026-13-45_09-15-00", "1234567890123456"])
def test_other_digits_are_no_time(stem: str) -> None:
    assert read_time_in_name(stem, BERLIN) is None


@pytest.mark.parametrize(
    ("stem", "utc"),
    [
        ("GMT20260301-091500_Recording", "2026-03-01T09:15:00+00:00"),
        ("2026-03-01T09:15:00Z", "2026-03-01T09:15:00+00:00"),
        ("20260301T091500+0530", "2026-03-01T03:45:00+00:00"),
        ("20260301T091500-0500", "2026-03-01T14:15:00+00:00"),
        ("WhatsApp Audio 2026-03-01 at 09.15.00", "2026-03-01T08:15:00+00:00"),
        ("WhatsApp Audio 2026-03-01 at 11.15.00 PM", "2026-03-01T22:15:00+00:00"),
        ("Screen Recording 2026-03-01 at 9.15.00\u202fPM", "2026-03-01T20:15:00+00:00"),
        ("Screen Recording 2026-03-01 at 12.15.00\u202fAM", "2026-02-28T23:15:00+00:00"),
        ("2026-03-01 at 09.15.00 amended", "2026-03-01T08:15:00+00:00"),
        ("260301_091500", "2026-03-01T08:15:00+00:00"),
        ("Voice 260301_091500-1", "2026-03-01T08:15:00+00:00"),
    ],
)
def test_names_of_recorders_and_meetings(stem: str, utc: str) -> None:
    found = read_time_in_name(stem, BERLIN)
    assert found is not None
    assert found.astimezone(UTC).isoformat() == utc


@pytest.mark.parametrize(
    ("stem", "pattern", "open_s"),
    [
        ("2026-03-01_09-15-00", None, 0.0),
        ("2026-03-01 09h15", None, 60.0),
        ("20260301-0915Z", None, 60.0),
        ("01.03.26 09", "%d.%m.%y %H", 3600.0),
        ("01.03.26 9 pm", "%d.%m.%y %I %p", 3600.0),
        ("01.03.26", "%d.%m.%y", 86_400.0),
        ("01.03.26 09h15, 2026-03-01_09-15-00", "%d.%m.%y %Hh%M", 60.0),
    ],
)
def test_resolution_of_a_name(stem: str, pattern: str | None, open_s: float) -> None:
    found = read_name(stem, BERLIN, pattern)
    assert found is not None
    assert found.open_s == open_s


@pytest.mark.parametrize(
    "stem", ["260301_0012", "20260301_915", "20260301_12345", "2026-03-01_3-12", "2026-03-01 1.15"]
)
def test_a_date_and_a_counter_are_no_time_of_day(stem: str) -> None:
    assert read_time_in_name(stem, BERLIN) is None


@pytest.mark.parametrize(
    "pattern", ["%d.%m.%y %Hh%M", r"(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d\d) (?P<hour>\d\d)h(?P<minute>\d\d)"]
)
def test_custom_pattern_comes_first(pattern: str) -> None:
    found = read_time_in_name("lecture 01.03.26 09h15, copied 2026-05-05 10-00-00", BERLIN, pattern)
    assert found is not None
    assert found.isoformat() == "2026-03-01T09:15:00+01:00"


@pytest.mark.parametrize(
    "pattern", ["%Y-%m", "%Q%Y%m%d", "(?P<year>\\d{4}", "(?P<year>.)(?P<month>.)(?P<day>.)(?P<hr>.)"]
)
def test_pattern_without_date_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="name_pattern"):
        load({"audio": {"name_pattern": pattern}}, environment={}, folder=Path("nowhere"))


def recorded(path: Path, metadata: dict[str, str] | None = None, timezone: str = "UTC") -> tuple[str, str]:
    return find_start_time(metadata or {}, path, SEEN_S, 0, timezone)


def test_name_precedes_metadata() -> None:
    tags = {"creation_time": "2020-01-01T08:15:00.000000Z"}
    assert recorded(Path("2026-03-01_09-15-00.wav"), tags, "Europe/Berlin") == ("2026-03-01T09:15:00+01:00", "name")
    assert recorded(Path("meeting.wav"), tags) == ("2020-01-01T08:15:00+00:00", "metadata")


@pytest.mark.parametrize("when", ["1904-01-01T00:00:00.000000Z", "1970-01-01T00:00:00Z", "yesterday", ""])
def test_unset_clock_is_ignored(when: str) -> None:
    assert recorded(Path("x.wav"), {"creation_time": when})[1] == "mtime"


def test_broadcast_wav_date_and_time() -> None:
    found = recorded(Path("x.wav"), {"date": "2026-03-01", "creation_time": "09:15:00"}, "Europe/Berlin")
    assert found == ("2026-03-01T09:15:00+01:00", "metadata")


@pytest.mark.parametrize("sidecar", ["2020-01-01_00-00-00.json", "2020-01-01_00-00-00.wav.json"])
def test_sidecar_precedes_all(tmp_path: Path, sidecar: str) -> None:
    (tmp_path / sidecar).write_text(json.dumps({"recorded_at": "2026-03-01T09:15:00", "room": "big"}))
    found = recorded(tmp_path / "2020-01-01_00-00-00.wav", timezone="Europe/Berlin")
    assert found == ("2026-03-01T09:15:00+01:00", "sidecar")


@pytest.mark.parametrize("text", ['{"recorded_at": "noon"}', '{"recorded_at": 7}', "{recorded", "[" * 50_000, "\xff"])
def test_invalid_sidecar_warns_and_name_is_used(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "2026-03-01_09-15-00.json").write_text(text, encoding="latin-1")
    assert recorded(tmp_path / "2026-03-01_09-15-00.wav")[1] == "name"
    (line,) = caplog.messages
    assert "2026-03-01_09-15-00.json" in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("text", ["{}", "[]", '"2026-03-01"', '{"text": "a transcript by another program"}'])
def test_unrelated_json_is_ignored(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x.json").write_text(text)
    assert recorded(tmp_path / "x.wav")[1] == "mtime"
    assert caplog.messages == []


def test_modification_time_is_the_end(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "x.wav", make_noise(10))
    os.utime(path, (1_772_356_510, 1_772_356_510))
    found = probe(path)
    assert (found.recorded_at, found.recorded_at_source) == ("2026-03-01T09:15:00+00:00", "mtime")


def test_container_creation_time(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("desk_2026-02-30_09-15-00.wav", "2026-02-30_09-15-00"),
        ("REC_20261301_0915.wav", "20261301_0915"),
        ("260230_091500.wav", "260230_091500"),
        ("2026-03-01 25.15.00.wav", "2026-03-01 25.15.00"),
        ("2026-06-31 at 9.15.00 PM.wav", "2026-06-31 at 9.15.00"),
        ("talk of 2026-02-30.wav", "2026-02-30"),
    ],
)
def test_an_impossible_date_in_a_name_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, shown: str
) -> None:
    path = write_sound(tmp_path / name, make_noise(0.5))
    assert probe(path).recorded_at_source == "mtime"
    (line,) = [r.getMessage() for r in caplog.records if r.name == "daylong.audio"]
    assert line.startswith(f"{name}: {shown} in its name is no possible date")
    assert line.endswith("is taken from its modification time.")


@pytest.mark.parametrize("name", ["20260301-0060.wav", "meeting 2.wav", "2026-02-28_0915.wav", "order 47110815.wav"])
def test_other_names_are_passed_over_in_silence(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    probe(write_sound(tmp_path / name, make_noise(0.5)))
    assert not [r for r in caplog.records if r.name == "daylong.audio"]


def test_a_name_pattern_that_finds_an_impossible_date_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_sound(tmp_path / "3102 26.wav", make_noise(0.5))
    probe(path, name_pattern="%d%m %y")
    assert "3102 26 in its name is no possible date" in caplog.text


@pytest.mark.parametrize("name", ["x.JSON", "X.json", "x.json.txt", "x.wav.JSON", "X.WAV.Json.TXT"])
def test_a_sidecar_in_any_letter_case_and_with_the_ending_that_explorer_adds(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"recorded_at": "2026-03-01T09:15:00"}')
    assert recorded(tmp_path / "x.wav") == ("2026-03-01T09:15:00+00:00", "sidecar")


def test_a_wrong_sidecar_is_named_as_it_was_called_where_it_came_from(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    claimed = tmp_path / ".claimed" / "0123456789ab"
    claimed.mkdir(parents=True)
    with show_folder_as(claimed, Path("monday")):
        for text in ("{recorded", '{"recorded_at": "noon"}', '{"recorded_at": "2206-01-01"}'):
            (claimed / "x.JSON").write_text(text)
            recorded(claimed / "x.wav")
    assert [line.partition(": ")[0] for line in caplog.messages] == ["monday/x.JSON"] * 3
    recorded(claimed / "x.wav")
    assert caplog.messages[-1].startswith(f"{claimed}/x.JSON: ")
