"""The night that clocks are put back an hour comes twice: what can't have begun in the first began in the second."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.audio.combine import combine
from tasks.audio.probe import probe
from tasks.audio.start_time import find_repeated_hour, find_start_time
from tasks.records import Part, Recording
from tests.helpers.sample_transcripts import make_recording_row
from tests.helpers.sound_files import make_noise, write_sound

BERLIN = "Europe/Berlin"
HOUR_S = 3600.0


def named(name: str, hours: float) -> Recording:
    """A file whose name alone may tell when it began, in Berlin."""
    path, length_s = Path(f"/rec/monday/{name}.wav"), hours * HOUR_S
    at, source = find_start_time({}, path, 0.0, length_s, BERLIN)
    return make_recording_row(
        name,
        length_s,
        path=str(path),
        source_name=path.name,
        parts=(Part(path.name, name, 0.0, length_s, str(path)),),
        recorded_at=at,
        recorded_at_source=source,
        timezone=BERLIN,
        told_again_at=find_repeated_hour(at, {}, path, BERLIN),
    )


def hours(recording: Recording) -> list[tuple[str, float]]:
    return [(Path(p.name).stem, p.start_s / HOUR_S) for p in recording.parts]


def test_file_of_repeated_hour_follows_and_later_gap_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = [named("20261024_230000", 4), named("20261025_020000", 4), named("20261025_090000", 1)]
    assert hours(combine(files)) == [("20261024_230000", 0), ("20261025_020000", 4), ("20261025_090000", 11)]
    assert "can't be right" not in caplog.text


def test_files_that_fit_the_first_hour_stay() -> None:
    recording = combine([named("20261025_013000", 0.25), named("20261025_020000", 0.5), named("20261025_030000", 1)])
    assert [start for _, start in hours(recording)] == [0, 0.5, 2.5]


def test_files_in_both_hours_with_equal_times() -> None:
    minutes = [f"{m:02d}" for m in range(0, 60, 15)]
    first = [named(f"20261025_02{m}00", 0.25) for m in minutes]
    second = [named(f"20261025_02{m}00_2", 0.25) for m in minutes]
    recording = combine([*second, named("20261025_030000", 1), *first])
    expected = [(f"20261025_02{m}00{end}", i + int(m) / 60) for i, end in enumerate(("", "_2")) for m in minutes]
    assert hours(recording) == [*expected, ("20261025_030000", 2)]
    assert (recording.recorded_at, recording.told_again_at) == ("2026-10-25T02:00:00+02:00", None)


def test_file_of_repeated_hour_sorts_after_later_clock_time() -> None:
    files = [named("20261024_230000", 3.5), named("20261025_020000", 1), named("20261025_023000", 0.5)]
    assert hours(combine(files)) == [("20261024_230000", 0), ("20261025_023000", 3.5), ("20261025_020000", 4)]


def test_contradictory_clocks_fall_back_to_names(caplog: pytest.LogCaptureFixture) -> None:
    files = [named("20261024_230000", 5), named("20261025_020000", 4)]
    assert hours(combine(files)) == [("20261024_230000", 0), ("20261025_020000", 5)]
    assert "3600 s before 20261024_230000.wav ends" in caplog.text


@pytest.mark.parametrize("name", ["20261025_020000+0200", "20261025_020000Z", "20261025_010000", "20260329_023000"])
def test_no_second_reading_with_offset_or_outside_the_hour(name: str) -> None:
    assert named(name, 1).told_again_at is None


def test_second_reading_in_the_repeated_hour() -> None:
    file = named("20261025_023000", 1)
    assert (file.recorded_at, file.told_again_at) == ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")


@pytest.mark.parametrize(
    ("at", "again"),
    [
        ("2026-10-25T02:30:00", "2026-10-25T02:30:00+01:00"),
        ("2026-10-25T02:30:00+02:00", None),
        ("2026-10-25T00:30:00Z", None),
        ("2026-10-25T02:30:00+01:00", None),
    ],
)
def test_second_reading_of_sidecars_and_metadata(tmp_path: Path, at: str, again: str | None) -> None:
    path = write_sound(tmp_path / "a.wav", make_noise(1))
    path.with_suffix(".json").write_text(json.dumps({"recorded_at": at}))
    assert probe(path, timezone=BERLIN).told_again_at == again
    first = find_start_time({"creation_time": at}, tmp_path / "b.wav", 0.0, 1.0, BERLIN)[0]
    assert find_repeated_hour(first, {"creation_time": at}, tmp_path / "b.wav", BERLIN) == again


def test_modification_time_has_no_second_reading(tmp_path: Path) -> None:
    assert find_repeated_hour("2026-10-25T02:30:00+02:00", {}, tmp_path / "a.wav", BERLIN) is None
