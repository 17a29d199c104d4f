"""The lines where the quality of a recording is too low."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.quality.alarms import find_alarms, format_alarms
from tasks.records import HourQuality, Transcript
from tests.helpers.sample_transcripts import HOSTILE, make_meeting

GOOD = HourQuality(
    0, 0.0, 3600.0, None, 2000.0, 5000, 0.08, 0.02, -60.0, -28.0, 0.0, 0.1, 20.0, 0
)  # fmt: skip


def make_day(*hours: dict[str, Any], **changes: Any) -> Transcript:
    """A recording from 09:00 on with these hours; each says in what it is not good."""
    changes = {"recorded_at": "2024-05-01T09:00:00+02:00", "source_name": "monday.wav", **changes}
    rows = [replace(GOOD, hour=k, start_s=3600.0 * k, end_s=3600.0 * (k + 1), **h) for k, h in enumerate(hours)]
    return replace(make_meeting(duration_s=3600.0 * len(hours), **changes), quality=tuple(rows))


def dead(start_s: float, end_s: float, level: float = -70.4) -> dict[str, Any]:
    return {"dead_from_s": start_s, "dead_until_s": end_s, "dead_dbfs": level}


def test_good_hours_give_no_line() -> None:
    assert find_alarms(make_day({}, {}, {})) == []
    assert find_alarms(make_meeting()) == []


def test_a_dead_microphone_is_told_with_its_time() -> None:
    day = make_day({}, {}, {}, {}, dead(18_000 - 1800, 18_000), dead(18_000, 21_600), dead(21_600, 25_200))
    assert format_alarms(day) == ["monday.wav: from 13:30 on nothing but −70 dBFS: is the microphone dead?"]


def test_a_microphone_that_came_back_and_a_second_time() -> None:
    day = make_day(dead(600, 1200), dead(4000, 7200, -100.0), dead(7200, 8100, -100.0), {})
    assert format_alarms(day) == [
        "monday.wav: from 09:10 to 09:20 nothing but −70 dBFS: is the microphone dead?",
        "monday.wav: from 10:06 to 11:15 nothing but digital silence: is the microphone dead?",
    ]


def test_without_a_start_time_it_is_the_recordings_own() -> None:
    day = make_day({}, dead(5400, 7200), recorded_at=None)
    assert "from 01:30:00 after its start on nothing but" in format_alarms(day)[0]


def test_past_midnight_the_day_is_told() -> None:
    day = make_day(*[{}] * 15, dead(55_000, 57_600), recorded_at="2024-05-01T09:00:00+02:00")
    assert "from Thu 00:16 on" in format_alarms(day)[0]


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ({"clipped_share": 0.031}, "3.1 % of the speech is clipped: is the recorder's level too high?"),
        ({"speech_dbfs": -57.7, "noise_dbfs": -80.0}, "speech at only −58 dBFS: is the microphone too far away, or "
         "its level too low?"),
        ({"noise_dbfs": -34.0}, "speech only 6 dB above the noise: is something loud beside it?"),
        ({"expected_wer": 0.61}, "about 61 % of the words are expected to be wrong"),
        ({"untranscribed_s": 900.0}, "45 % of the speech has no words"),
    ],
)  # fmt: skip
def test_hours_in_a_row_are_one_line_with_the_worst(bad: dict[str, Any], line: str) -> None:
    assert format_alarms(make_day({}, bad, bad, {})) == [f"monday.wav: from 10:00 to 12:00 {line}"]
    assert format_alarms(make_day(bad)) == [f"monday.wav: from its start to its end {line}"]
    assert len(format_alarms(make_day(bad, {}, bad))) == 2


@pytest.mark.parametrize(
    "few",
    [
        {"clipped_share": 0.009},
        {"speech_dbfs": -49.0, "noise_dbfs": -80.0},
        {"noise_dbfs": -39.0},
        {"expected_wer": 0.49},
        {"expected_wer": 0.6, "num_words": 99},
        {"untranscribed_s": 500.0},
        {"speech_s": 59.0, "clipped_share": 0.5, "speech_dbfs": -60.0, "expected_wer": 0.9, "untranscribed_s": 59.0},
        {
            "clipped_share": None,
            "speech_dbfs": None,
            "noise_dbfs": None,
            "expected_wer": None,
            "untranscribed_s": None,
        },
    ],
)
def test_below_a_limit_or_with_hardly_any_speech_there_is_no_line(few: dict[str, Any]) -> None:
    assert format_alarms(make_day(few)) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_is_one_line_whatever_the_recording_is_called(name: str) -> None:
    (line,) = format_alarms(make_day(dead(0, 3600), source_name=name))
    assert len(line.splitlines()) == 1
    assert line.endswith("from its start to its end nothing but −70 dBFS: is the microphone dead?")
