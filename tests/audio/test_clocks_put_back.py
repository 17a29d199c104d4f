"""The night that clocks are put back an hour comes twice: what can't have begun in the first began in the second."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.audio.probe import probe
from tasks.audio.recorded import find_repeated_hour, recorded_at
from tasks.audio.together import together
from tasks.records import Part, Recording
from tests.helpers.sample_transcripts import make_recording_row
from tests.helpers.sound_files import make_noise, write_sound

BERLIN = "Europe/Berlin"
HOUR_S = 3600.0


def named(name: str, hours: float) -> Recording:
    """A file whose name alone may tell when it began, in Berlin."""
    path, length_s = Path(f"/rec/monday/{name}.wav"), hours * HOUR_S
    at, source = recorded_at({}, path, 0.0, length_s, BERLIN)
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


def test_a_file_of_the_second_hour_follows_the_first_and_the_gap_after_it_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = [named("20261024_230000", 4), named("20261025_020000", 4), named("20261025_090000", 1)]
    assert hours(together(files)) == [("20261024_230000", 0), ("20261025_020000", 4), ("20261025_090000", 11)]
    assert "can't be right" not in caplog.text


def test_what_fits_into_the_first_hour_stays_there() -> None:
    recording = together([named("20261025_013000", 0.25), named("20261025_020000", 0.5), named("20261025_030000", 1)])
    assert [start for _, start in hours(recording)] == [0, 0.5, 2.5]


def test_both_hours_may_have_their_files_and_these_the_same_names_but_for_a_number() -> None:
    minutes = [f"{m:02d}" for m in range(0, 60, 15)]
    first = [named(f"20261025_02{m}00", 0.25) for m in minutes]
    second = [named(f"20261025_02{m}00_2", 0.25) for m in minutes]
    recording = together([*second, named("20261025_030000", 1), *first])
    expected = [(f"20261025_02{m}00{end}", i + int(m) / 60) for i, end in enumerate(("", "_2")) for m in minutes]
    assert hours(recording) == [*expected, ("20261025_030000", 2)]
    assert (recording.recorded_at, recording.told_again_at) == ("2026-10-25T02:00:00+02:00", None)


def test_a_file_of_the_second_hour_may_come_after_one_that_a_clock_tells_later() -> None:
    files = [named("20261024_230000", 3.5), named("20261025_020000", 1), named("20261025_023000", 0.5)]
    assert hours(together(files)) == [("20261024_230000", 0), ("20261025_023000", 3.5), ("20261025_020000", 4)]


def test_clocks_that_are_wrong_by_either_hour_are_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    files = [named("20261024_230000", 5), named("20261025_020000", 4)]
    assert hours(together(files)) == [("20261024_230000", 0), ("20261025_020000", 5)]
    assert "3600 s before 20261024_230000.wav ends" in caplog.text


@pytest.mark.parametrize("name", ["20261025_020000+0200", "20261025_020000Z", "20261025_010000", "20260329_023000"])
def test_a_name_that_tells_its_zone_or_another_hour_is_told_once(name: str) -> None:
    assert named(name, 1).told_again_at is None


def test_a_name_in_the_hour_that_comes_twice_is_told_twice() -> None:
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
def test_so_it_is_with_sidecars_and_metadata(tmp_path: Path, at: str, again: str | None) -> None:
    path = write_sound(tmp_path / "a.wav", make_noise(1))
    path.with_suffix(".json").write_text(json.dumps({"recorded_at": at}))
    assert probe(path, timezone=BERLIN).told_again_at == again
    first = recorded_at({"creation_time": at}, tmp_path / "b.wav", 0.0, 1.0, BERLIN)[0]
    assert find_repeated_hour(first, {"creation_time": at}, tmp_path / "b.wav", BERLIN) == again


def test_a_files_last_change_is_told_once(tmp_path: Path) -> None:
    assert find_repeated_hour("2026-10-25T02:30:00+02:00", {}, tmp_path / "a.wav", BERLIN) is None
