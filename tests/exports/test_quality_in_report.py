"""The report's table of quality by hour, and its alarms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.exports.report import write
from tasks.exports.report.quality import build_alarms, build_hours
from tasks.records import HourQuality, Transcript
from tests.exports.test_report_page import Seen
from tests.helpers.sample_transcripts import HOSTILE, make_meeting

ROWS = (
    HourQuality(0, 0.0, 3600.0, None, 1800.0, 5000, 0.0812, 0.02, -60.5, -28.2, 0.031, 0.1, 20.0, 1),
    HourQuality(0, 0.0, 3600.0, "SPEAKER_00", 12.0, 30),
)


def make_talk(name: str = "Ada", source_name: str = "monday.wav") -> Transcript:
    made = make_meeting(duration_s=3600.0, source_name=source_name)
    speakers = tuple(replace(s, name=name) if s.label == "SPEAKER_00" else s for s in made.speakers)
    return replace(made, speakers=speakers, quality=ROWS)


def test_each_hour_and_each_speaker_has_a_row() -> None:
    whole, own = build_hours(make_talk())
    assert (whole["from"], whole["who"], whole["wer"], whole["level"], whole["noise"]) == (
        "00:00:00", "", "8.1 %", "−28", "−60",
    )  # fmt: skip
    assert (own["who"], own["wer"], own["clipped"], own["bare"], own["ghosts"]) == ("Ada", "–", "–", "–", "–")
    page = Seen(write(make_talk()))
    assert page.count("table") == Seen(write(replace(make_talk(), quality=()))).count("table") + 1


def test_alarms_stand_at_the_top() -> None:
    line = "From its start to its end 3.1 % of the speech is clipped: is the recorder's level too high?"
    assert build_alarms(make_talk()) == [line]
    text = Seen(write(make_talk())).text
    assert text.index(line) < text.index("Speakers")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_can_become_a_part_of_the_page(hostile: str) -> None:
    plain, named = Seen(write(make_talk())), Seen(write(make_talk(hostile or "x", hostile)))
    tags = [tag for tag, _ in plain.elements if tag not in ("small",)]
    assert [tag for tag, _ in named.elements if tag not in ("small",)] == tags
