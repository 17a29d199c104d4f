"""Levels and noise of spans, and stretches in which the microphone seems dead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, merge_spans
from tasks.quality.dead import find_dead, find_longest
from tasks.quality.sound import TrackSound, is_inside, measure_noise, measure_speech, mix_tracks

HOUR = Span(0.0, 3600.0)
NOTHING = np.zeros(0)


def make_track(parts: Sequence[tuple[float, float, bool]], seed: int = 0) -> TrackSound:
    """A track of (seconds, level in dBFS, speech) one after the other; levels swing by 2 dB."""
    chance, levels, speech, at = np.random.default_rng(seed), [NOTHING], [], 0.0
    for seconds, level, speaks in parts:
        count = round(seconds * 2)
        levels.append(level + chance.normal(0, 2 if level > -100 else 0, count))
        if speaks:
            speech.append(Span(at, at + seconds))
        at += seconds
    return TrackSound(None, np.concatenate(levels), tuple(merge_spans(speech)), NOTHING, NOTHING)


def talk(minutes: float, noise: float = -55.0, level: float = -28.0) -> list[tuple[float, float, bool]]:
    return [(8.0, level, True), (2.0, noise, False)] * round(6 * minutes)


def test_the_noise_floor_lies_between_speech() -> None:
    track = make_track(talk(5))
    noise = measure_noise(track, HOUR, [])
    assert noise is not None
    assert noise == pytest.approx(-57.5, abs=1.5)
    level, clipped = measure_speech(track, HOUR, track.speech)
    assert level == pytest.approx(-28, abs=0.5)
    assert clipped is None


def test_a_dead_stretch_is_not_the_noise() -> None:
    track = make_track([*talk(5), (600.0, -90.0, False)])
    (dead,) = find_dead(track)
    assert measure_noise(track, HOUR, [dead[0]]) == pytest.approx(-57.5, abs=1.5)
    assert measure_noise(track, HOUR, []) == pytest.approx(-92.0, abs=2)
    assert measure_noise(track, HOUR, [HOUR]) is None


@pytest.mark.parametrize("level", [-100.0, -90.0, -70.0])
@pytest.mark.parametrize("after", [0, 4])
def test_a_dead_microphone_is_found_at_its_time(level: float, after: int) -> None:
    (found,) = find_dead(make_track([*talk(10), (5.0, -30.0, True), (1200.0, level, False), *talk(after)]))
    span, silence = found
    assert span.start_s == pytest.approx(605.0, abs=1)
    assert span.end_s == pytest.approx(1805.0, abs=1)
    assert silence == pytest.approx(level, abs=1)


@pytest.mark.parametrize(
    "parts",
    [
        [*talk(10), (1800.0, -55.0, False), *talk(2)],
        [*talk(10, noise=-68), (1800.0, -68.0, False)],
        [*talk(10, noise=-100), (1800.0, -100.0, False)],
        [*talk(10), (240.0, -100.0, False), *talk(1)],
        [(1800.0, -64.0, False)],
        talk(1),
        [],
    ],
    ids=["a pause", "a pause in a silent room", "a recorder with a noise gate", "four minutes", "an empty room",
         "a minute", "nothing"],
)  # fmt: skip
def test_a_live_microphone_is_not_dead(parts: list[tuple[float, float, bool]]) -> None:
    assert find_dead(make_track(parts)) == []


def test_a_recording_may_be_dead_from_its_start() -> None:
    ((span, level),) = find_dead(make_track([(1800.0, -82.0, False)]))
    assert (span, round(level)) == (Span(0.0, 1800.0), -82)


def test_an_hour_has_its_part_of_a_dead_stretch() -> None:
    dead = [(Span(1000, 1400), -90.0), (Span(3000, 9000), -80.0)]
    assert find_longest(dead, HOUR) == (Span(3000, 3600.0), -80.0)
    assert find_longest(dead, Span(3600, 7200)) == (Span(3600, 7200), -80.0)
    assert find_longest(dead, Span(10_800, 14_400)) is None


def test_of_several_channels_the_loudest_counts() -> None:
    one, other = make_track([(60.0, -90.0, False)]), make_track([(50.0, -30.0, True)])
    mixed = mix_tracks([one, other])
    assert len(mixed.level_db) == 100
    assert mixed.speech == (Span(0.0, 50.0),)
    assert np.median(mixed.level_db) == pytest.approx(-30, abs=1)


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda p: Span(p[0] / 2, (p[0] + p[1]) / 2)))


@given(SPANS, st.lists(st.integers(0, 160).map(lambda k: k / 4)).map(sorted))
def test_times_are_inside_as_spans_say(spans: list[Span], times: list[float]) -> None:
    merged = merge_spans(spans)
    assert is_inside(np.array(times), merged).tolist() == [any(at in span for span in merged) for at in times]
