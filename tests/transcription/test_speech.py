"""Stretches: what the recogniser is given."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, clip, measure_union_s, subtract
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.speech import GRID_S, cut_at_quietest, find_uncovered, split_into_stretches

WITHIN = Span(0.0, 300.0)
times = st.floats(0, 300, allow_nan=False)
speech_maps = st.lists(st.tuples(times, st.floats(0.05, 90)).map(lambda t: Span(t[0], t[0] + t[1])), max_size=25)


@given(speech_maps, st.sampled_from([2.0, 8.0, 28.0, 30.0]))
def test_all_speech_is_covered_once_and_no_stretch_is_too_long(speech: list[Span], max_s: float) -> None:
    found = split_into_stretches(speech, WITHIN, max_s)
    assert subtract(clip(speech, WITHIN), found) == [] or measure_union_s(
        subtract(clip(speech, WITHIN), found)
    ) == pytest.approx(0, abs=1e-6)
    assert all(s.duration_s <= max_s for s in found)
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(found))
    assert all(WITHIN.start_s <= s.start_s < s.end_s <= WITHIN.end_s for s in found)


@given(speech_maps)
def test_a_stretch_holds_little_silence(speech: list[Span]) -> None:
    for stretch in split_into_stretches(speech, WITHIN, 28.0, join_gap_s=1.0, pad_s=0.2):
        pauses = subtract([stretch], speech)
        assert all(p.duration_s <= 1.0 + 2 * GRID_S for p in pauses)


def test_what_is_too_long_is_parted_at_its_largest_late_pause() -> None:
    speech = [Span(0, 3), Span(3.1, 6), Span(6.9, 9), Span(9.1, 12)]
    found = split_into_stretches(speech, WITHIN, 10.0, pad_s=0.0)
    assert [(s.start_s, s.end_s) for s in found] == [(0.0, 6.0), (6.9, 12.0)]


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, 20 * SAMPLE_RATE_HZ).astype(np.float32)
    samples[int(9.2 * SAMPLE_RATE_HZ) : int(9.3 * SAMPLE_RATE_HZ)] = 0
    first, second = split_into_stretches([Span(0, 20)], Span(0, 20), 14.0, pad_s=0.0, cut=cut_at_quietest(samples))
    assert first.end_s == pytest.approx(9.25, abs=0.06)
    assert second.start_s == first.end_s


def test_padding_stays_apart_from_the_neighbour() -> None:
    first, second = split_into_stretches([Span(1, 2), Span(2.1, 3)], WITHIN, 8.0, join_gap_s=0.05, pad_s=0.2)
    assert first.end_s == second.start_s == pytest.approx(2.05)


def test_speech_that_no_word_comes_near_is_found() -> None:
    assert find_uncovered([Span(0, 4), Span(5, 9)], [Span(0.2, 3.9)], slack_s=0.5, least_s=2.0) == [Span(5, 9)]
