"""Files that a recorder split are one recording: one timeline, nothing lost between them, one identity."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.audio.combine import combine, count_channels, probe_files
from tasks.audio.decode import decode, stream
from tasks.audio.probe import probe
from tasks.audio.start_time import find_start_time
from tasks.errors import PermanentError, UnreadableAudio
from tasks.intervals import Span
from tasks.records import Part, Recording
from tests.helpers.sound_files import make_noise, measure_lag_s, measure_similarity, write_sound

RATE = 16_000


def cut(folder: Path, sound: np.ndarray, at: Sequence[int], rate: int = RATE, codec: str = "pcm_s16le") -> list[Path]:
    """The sound in files, cut at these samples."""
    suffix = "flac" if codec == "flac" else "wav"
    borders = [0, *at, len(sound)]
    return [
        write_sound(folder / f"rec{i}.{suffix}", sound[a:b], rate, codec)
        for i, (a, b) in enumerate(itertools.pairwise(borders))
    ]


@pytest.mark.parametrize("codec", ["pcm_s16le", "flac"])
def test_parts_equal_uncut_recording(tmp_path: Path, codec: str) -> None:
    sound = make_noise(30)
    recording = probe_files(cut(tmp_path, sound, [100_001, 333_333], codec=codec))
    assert recording.duration_s == 30.0
    whole = np.concatenate(list(stream(recording.parts, 7.0)))
    np.testing.assert_allclose(whole, sound, atol=1e-4)
    for span in (Span(0, 30), Span(5.5, 7.0), Span(20, 25), Span(-1, 2), Span(29, 31)):
        first = round(span.start_s * RATE)
        same = np.pad(sound, (RATE, RATE))[first + RATE :][: round(span.duration_s * RATE)]
        np.testing.assert_allclose(decode(recording.parts, span), same, atol=1e-4)


def test_parts_at_other_rates(tmp_path: Path) -> None:
    rate = 44_100
    whole = write_sound(tmp_path / "whole.wav", make_noise(20, rate), rate)
    parts = cut(tmp_path, make_noise(20, rate), [300_001, 600_007], rate)
    uncut, recording = decode(whole, Span(0, 20)), probe_files(parts)
    assert recording.duration_s == pytest.approx(20.0, abs=1e-4)
    joined = decode(recording.parts, Span(0, 20))
    # parts begin on a sample of 16 kHz, up to half a sample from where they were cut
    for at in (2, 6, 8, 12, 15, 18):
        same = slice(at * RATE, (at + 2) * RATE)
        assert abs(measure_lag_s(joined[same], uncut[same])) < 1e-4
        # white noise has most of its energy where half a sample tells
        assert measure_similarity(joined[same], uncut[same]) > 0.6


@given(
    starts=st.lists(st.integers(0, 3 * RATE), min_size=1, max_size=4),
    span=st.tuples(st.integers(0, 12 * RATE), st.integers(1, 4 * RATE)),
)
def test_span_equals_span_of_whole_across_parts_and_gaps(
    two_seconds: Path, starts: list[int], span: tuple[int, int]
) -> None:
    parts, end = [], 0
    for gap in starts:
        parts.append(Part("x", "x", (end + gap) / RATE, 2.0, str(two_seconds)))
        end += gap + 2 * RATE
    whole = np.pad(np.concatenate(list(stream(parts, 1.3))), (0, 20 * RATE))
    first, size = span
    np.testing.assert_array_equal(
        decode(parts, Span(first / RATE, (first + size) / RATE)), whole[first : first + size]
    )
    assert not whole[: starts[0]].any()


@pytest.fixture(scope="module")
def two_seconds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("two") / "two.wav", make_noise(2))


def one(name: str, at: str | None, seconds: float = 3600.0, source: str = "name", digest: str = "") -> Recording:
    part = Part(name, digest or name, 0.0, seconds, f"/rec/monday/{name}")
    return Recording(
        recording_id=name,
        path=part.path,
        source_name=name,
        sha256=part.sha256,
        size_bytes=1000,
        duration_s=seconds,
        sample_rate_hz=48_000,
        channels=2,
        codec="flac",
        parts=(part,),
        recorded_at=at,
        recorded_at_source=source if at else None,
    )


def starts(recording: Recording) -> list[tuple[str, float]]:
    return [(p.name, p.start_s) for p in recording.parts]


def test_without_clocks_natural_order_of_names() -> None:
    files = [one("rec10.wav", None), one("rec9.wav", None), one("Rec1.wav", None)]
    assert starts(combine(files)) == [("Rec1.wav", 0.0), ("rec9.wav", 3600.0), ("rec10.wav", 7200.0)]


def test_modification_time_is_not_used_for_order() -> None:
    files = [one("a", "2026-03-01T12:00:00+00:00", source="mtime"), one("b", "2026-03-01T09:00:00+00:00")]
    assert starts(combine(files)) == [("a", 0.0), ("b", 3600.0)]


def test_clocks_decide_order_and_gaps() -> None:
    files = [
        one("a", "2026-03-01T12:00:00+00:00"),
        one("b", "2026-03-01T09:00:00+00:00"),
        one("c", "2026-03-01T11:00:01+01:00"),  # a clock of whole seconds: right after b
    ]
    recording = combine(files)
    assert starts(recording) == [("b", 0.0), ("c", 3600.0), ("a", 10_799.0)]
    assert recording.recorded_at == "2026-03-01T09:00:00+00:00"
    assert recording.duration_s == 14_399.0


def test_clocks_that_contradict_durations_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    files = [one("b", "2026-03-01T09:00:00+00:00"), one("a", "2026-03-01T09:10:00+00:00")]
    assert starts(combine(files)) == [("a", 0.0), ("b", 3600.0)]
    assert "3000 s before b ends" in caplog.text


def named(name: str, seconds: float, pattern: str | None = None) -> Recording:
    """A file whose name alone may tell when it began."""
    at, source = find_start_time({}, Path(f"/rec/monday/{name}"), 1_772_356_500.0, seconds, "UTC", pattern)
    return one(name, at, seconds, source or "")


@given(
    start=st.integers(0, 6 * 3600).map(lambda s: datetime(2026, 3, 1, 0, 2, tzinfo=UTC) + timedelta(seconds=s)),
    lengths=st.lists(st.floats(61, 4000), min_size=2, max_size=20),
    form=st.sampled_from(["%Y-%m-%d_%H%M", "%Y%m%d-%H%M", "%Y-%m-%d %Hh%M", "%Y%m%d_%H%M%S"]),
)
def test_contiguous_files_with_minute_resolution(start: datetime, lengths: list[float], form: str) -> None:
    at = [start + timedelta(seconds=s) for s in itertools.accumulate(lengths, initial=0.0)]
    recording = combine([named(f"{t:{form}}.wav", s) for t, s in zip(at, lengths, strict=False)])
    assert [p.name for p in recording.parts] == [f"{t:{form}}.wav" for t in at[:-1]]
    assert recording.duration_s == pytest.approx(sum(lengths), abs=1e-3)
    assert recording.recorded_at == (start if "S" in form else start.replace(second=0)).isoformat()


def test_pause_of_ten_minutes_is_kept_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "daylong")
    files = [named("2026-03-01_0900.wav", 330.0), named("2026-03-01_0918.wav", 60.0)]
    recording = combine([*files, named("2026-03-01_0919.wav", 60.0)])
    assert [p.start_s for p in recording.parts] == [0.0, 1080.0, 1140.0]
    assert caplog.messages == [
        "2026-03-01_0918.wav begins 12 min 30 s after 2026-03-01_0900.wav ended: silence between them."
    ]


def test_sum_of_short_pauses() -> None:
    files = [named(f"2026-03-01 09h{minute:02d}.wav", 260.0) for minute in range(0, 60, 5)]
    last = combine(files).parts[-1]
    assert 55 * 60 - 65 <= last.start_s <= 55 * 60


def test_second_resolution_keeps_short_pauses() -> None:
    files = [named("2026-03-01_090000.wav", 300.0), named("2026-03-01_090510.wav", 60.0)]
    assert starts(combine(files))[1] == ("2026-03-01_090510.wav", 310.0)


@pytest.mark.parametrize(("a", "b", "start_s"), [("00:00", "06:00", 330.0), ("00:10", "06:20", 370.0)])
def test_sidecars_of_full_minutes_have_minute_resolution(a: str, b: str, start_s: float) -> None:
    files = [one("a", f"2026-03-01T09:{a}+00:00", 330.0, "sidecar")]
    files.append(one("b", f"2026-03-01T09:{b}+00:00", 60.0, "sidecar"))
    assert starts(combine(files))[1] == ("b", start_s)


@pytest.mark.parametrize("lengths", [(41.0, 38.0, 44.0), (3600.0, 3600.0, 20.0), (10.0, 10.0, 10.0)])
@pytest.mark.parametrize("first", [1, 58, 930])
def test_counters_are_no_times(first: int, lengths: tuple[float, ...], caplog: pytest.LogCaptureFixture) -> None:
    names = [f"20260301-{first + i:04d}.wav" for i in range(3)]
    recording = combine([named(n, s) for n, s in zip(names, lengths, strict=True)])
    assert starts(recording) == list(zip(names, itertools.accumulate((0.0, *lengths[:-1])), strict=True))
    if (first, lengths[0]) != (930, 41.0):  # three files of 41 s may begin at 9:30, :31 and :32
        assert (recording.recorded_at, recording.recorded_at_source) == ("2026-03-01T00:00:00+00:00", "name")
        (line,) = caplog.messages
        assert line.startswith(f"{names[0]} … {names[2]}: the numbers after the date count the files")


def test_counter_with_step_two() -> None:
    recording = combine([named("260301.wav", 5.0), named("20260301_0012.wav", 9.0)])
    assert recording.duration_s == 14.0  # not all have numbers
    recording = combine([named("20260301_0012.wav", 3600.0), named("20260301_0014.wav", 3600.0)])
    assert (recording.duration_s, recording.recorded_at) == (7200.0, "2026-03-01T00:00:00+00:00")


def test_file_each_minute_has_times(caplog: pytest.LogCaptureFixture) -> None:
    recording = combine([named(f"20260301_{minute:04d}.mp4", 57.5) for minute in range(915, 945)])
    assert recording.recorded_at == "2026-03-01T09:15:00+00:00"
    assert abs(recording.parts[-1].start_s - 29 * 60) < 130
    assert caplog.messages == []


def test_custom_pattern_makes_times_of_numbers() -> None:
    files = [named(f"20260301-{n:04d}.wav", 10.0, "%Y%m%d-%H%M") for n in range(930, 940)]
    recording = combine(files, "%Y%m%d-%H%M")
    assert recording.recorded_at == "2026-03-01T09:30:00+00:00"
    assert abs(recording.parts[-1].start_s - 9 * 60) < 90
    days = [named(f"20260301-{n:04d}.wav", 10.0, "%Y%m%d") for n in (9, 10, 11)]
    assert combine(days, "%Y%m%d").duration_s == 30.0


def test_count_channels(tmp_path: Path) -> None:
    both = np.stack([make_noise(1), make_noise(1)], axis=1)
    recording = probe_files([write_sound(tmp_path / "a.wav", both), write_sound(tmp_path / "b.wav", make_noise(1))])
    assert count_channels(recording.parts) == [2, 1]


def test_gap_of_days_is_refused() -> None:
    files = [one("a", "2026-03-01T09:00:00+00:00"), one("b", "2026-03-09T09:00:00+00:00")]
    with pytest.raises(PermanentError, match="b: recorded 191 hours after a ends"):
        combine(files)


def test_identity_depends_on_order_and_gaps() -> None:
    a, b = one("a", "2026-03-01T09:00:00+00:00"), one("b", "2026-03-01T10:00:00+00:00")
    recording = combine([a, b])
    assert combine([b, a]) == recording
    assert recording.recording_id == f"monday-{recording.sha256[:8]}"
    assert (recording.source_name, recording.size_bytes) == ("monday", 2000)
    later = one("b", "2026-03-01T10:05:00+00:00")
    others = {combine(files).sha256 for files in ([a, later], [a, one("b", None)], [a, one("b", None, digest="c")])}
    assert len(others | {recording.sha256}) == 3  # without a gap it doesn't matter how that was found out


def test_single_file_is_unchanged(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "x.wav", make_noise(2))
    assert probe_files([path, path]) == probe(path)


def test_missing_part(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match=r"gone\.wav: no such file"):
        probe_files([write_sound(tmp_path / "x.wav", make_noise(2)), tmp_path / "gone.wav"])


def told(path: Path, at: str) -> None:
    path.write_text(json.dumps({"recorded_at": at}))


@pytest.mark.parametrize("place", ["monday.json", "monday/monday.json"])
@pytest.mark.parametrize("parts", [1, 3])
def test_folder_sidecar_sets_start(tmp_path: Path, place: str, parts: int) -> None:
    folder = tmp_path / "monday"
    folder.mkdir()
    files = cut(folder, make_noise(6), [RATE, 3 * RATE][: parts - 1])
    told(tmp_path / place, "2026-03-01T09:15:00")
    recording = probe_files(files, timezone="Europe/Berlin")
    assert recording.recorded_at == "2026-03-01T09:15:00+01:00"
    assert recording.recorded_at_source == "sidecar"


def test_folder_sidecar_not_used_for_part_or_file(tmp_path: Path) -> None:
    folder = tmp_path / "weekly"
    folder.mkdir()
    files = cut(folder, make_noise(6), [RATE, 3 * RATE])
    told(tmp_path / "weekly.json", "2026-03-01T09:15:00")
    assert probe_files(files[:2]).recorded_at_source == "mtime"
    (tmp_path / "weekly.json").unlink()
    last = write_sound(folder / "weekly.wav", make_noise(2))
    told(folder / "weekly.json", "2026-03-01T12:00:00")
    assert probe_files([*files, last]).recorded_at_source == "mtime"
    assert probe_files([last]).recorded_at == "2026-03-01T12:00:00+00:00"


def test_given_start_precedes_all(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "2026-03-01_09-15-00.wav", make_noise(2))
    told(path.with_suffix(".json"), "2026-03-01T12:00:00")
    recording = probe_files([path], timezone="Europe/Berlin", given="2026-07-01T08:00:00")
    assert (recording.recorded_at, recording.recorded_at_source) == ("2026-07-01T08:00:00+02:00", "given")
