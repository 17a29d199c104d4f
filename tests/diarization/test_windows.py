"""Windows lie where speech is, evenly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.diarization.windows import HOP_S, LENGTH_S, cut_windows
from tasks.intervals import Span, measure_union_s, merge_spans, subtract

speech_maps = st.lists(
    st.tuples(st.floats(0, 900), st.floats(0.01, 60)).map(lambda t: Span(t[0], t[0] + t[1])), max_size=20
)


@given(speech_maps)
def test_windows_cover_all_speech_and_no_silence(speech: list[Span]) -> None:
    found = [Span(a, b) for a, b in cut_windows(speech).tolist()]
    assert measure_union_s(subtract(speech, found)) == pytest.approx(0, abs=1e-6)
    assert measure_union_s(subtract(found, speech)) == pytest.approx(0, abs=1e-6)


@given(speech_maps)
def test_each_has_its_length_unless_its_speech_is_shorter(speech: list[Span]) -> None:
    for start, end in cut_windows(speech):
        (around,) = [s for s in merge_spans(speech) if s.start_s <= start < s.end_s]
        assert end - start == pytest.approx(min(LENGTH_S, around.duration_s))


@given(speech_maps)
def test_they_are_sorted_and_a_hop_apart_at_most(speech: list[Span]) -> None:
    found = cut_windows(speech)
    assert found.shape == (len(found), 2)
    for before, after in itertools.pairwise(found):
        assert before[0] < after[0]
        if after[0] < before[1]:
            assert after[0] - before[0] <= HOP_S * 1.1 + 1e-6


def test_the_last_window_ends_with_the_speech() -> None:
    assert cut_windows([Span(0.0, 4.0)]).tolist() == [[0, 1.5], [0.75, 2.25], [1.5, 3.0], [2.25, 3.75], [2.5, 4.0]]


def test_no_speech_gives_no_windows() -> None:
    assert cut_windows([]).shape == (0, 2)
    assert cut_windows([]).dtype == np.float64
