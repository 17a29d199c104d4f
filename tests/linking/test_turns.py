"""Turns made of windows: they tile the speech, and part where voices change."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, measure_union_s, merge_spans, subtract
from tasks.linking.nodes import ChunkVoices
from tasks.linking.turns import turns_from_local_turns, turns_from_windows
from tasks.tiling import tile_speech

speech_maps = st.lists(
    st.tuples(st.floats(0, 300), st.floats(0.1, 20)).map(lambda t: Span(t[0], t[0] + t[1])), min_size=1, max_size=12
)


def windows(speech: list[Span]) -> np.ndarray:
    """1.5 s every 0.75 s of each stretch of speech, (N, 2)."""
    rows = []
    for span in merge_spans(speech):
        start = span.start_s
        while True:
            rows.append((start, min(start + 1.5, span.end_s)))
            if start + 1.5 >= span.end_s:
                break
            start += 0.75
    return np.array(rows).reshape(-1, 2)


def chunk(speech: list[Span], labels: list[int], core: Span) -> ChunkVoices:
    where = windows(speech)
    return ChunkVoices(
        0, core, where[:, 0], where[:, 1], np.zeros((len(where), 2)), np.array(labels, np.int64), tuple(speech)
    )


@given(speech_maps, st.randoms(use_true_random=False))
def test_pieces_tile_the_speech_whatever_the_labels(speech: list[Span], random: Random) -> None:
    where = windows(speech)
    found = [Span(a, b) for a, b, _ in tile_speech(where, np.array([random.randrange(3) for _ in where]), speech)]
    assert measure_union_s(subtract(speech, found)) == pytest.approx(0, abs=1e-6)
    assert sum(s.duration_s for s in found) == pytest.approx(measure_union_s(speech), abs=1e-6)
    assert all(any(s.start_s <= f.start_s and f.end_s <= s.end_s for s in merge_spans(speech)) for f in found)


def test_the_border_of_two_voices_is_the_middle_of_their_windows_overlap() -> None:
    speech = [Span(0, 3.75)]
    assert tile_speech(windows(speech), np.array([7, 7, 2, 2]), speech) == [(0, 1.875, 7), (1.875, 3.75, 2)]


def test_numbers_of_labels_and_windows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 windows, but 1 labels"):
        tile_speech(np.array([[0, 1.5], [0.75, 2.25]]), np.array([0]), [Span(0, 2.25)])


def test_short_pauses_of_one_voice_are_bridged_and_long_ones_are_not() -> None:
    speech = [Span(0, 2), Span(2.2, 4), Span(5, 6)]
    one = chunk(speech, [0] * len(windows(speech)), Span(0, 10))
    assert turns_from_windows(one, one.labels) == [(0, 4, 0), (5, 6, 0)]


def test_a_turn_shorter_than_a_word_is_merged() -> None:
    speech = [Span(0, 2), Span(2.1, 2.2), Span(4, 4.1)]
    some = chunk(speech, [0, 0, 1, 1], Span(0, 10))
    assert turns_from_windows(some, some.labels) == [(0, 2.2, 0), (4, 4.1, 1)]


def test_turns_end_with_the_core() -> None:
    speech = [Span(0, 6)]
    one = chunk(speech, [3] * len(windows(speech)), Span(1, 5))
    assert turns_from_windows(one, one.labels) == [(1, 5, 3)]


def with_local_turns(labels: list[int], turns: list[tuple[float, float, int]], core: Span) -> ChunkVoices:
    return replace(chunk([Span(0, 3.75)], labels, core), turns=np.array(turns, float).reshape(-1, 3))


def test_local_turns_may_overlap_and_get_the_speakers_of_their_own_windows() -> None:
    spoken = with_local_turns([0, 0, 1, 1], [(0.0, 2.5, 0), (1.5, 3.75, 1)], Span(0, 10))
    found = turns_from_local_turns(spoken, np.array([4, 4, 2, 2]))
    assert found == [(0.0, 2.5, 4), (1.5, 3.75, 2)]


def test_a_local_turn_is_divided_where_its_windows_change_speaker() -> None:
    spoken = with_local_turns([0, 0, 0, 0], [(0.0, 3.75, 0)], Span(0, 10))
    assert turns_from_local_turns(spoken, np.array([7, 7, 2, 2])) == [(0.0, 1.875, 7), (1.875, 3.75, 2)]


def test_local_turns_are_clipped_to_the_core_and_joined_where_they_are_one_speakers() -> None:
    spoken = with_local_turns([0, 0, 1, 1], [(0.0, 2.5, 0), (1.5, 3.75, 1), (3.0, 3.5, 2)], Span(0.5, 3.25))
    assert turns_from_local_turns(spoken, np.array([1, 1, 1, 1])) == [(0.5, 3.25, 1), (3.0, 3.25, -1)]
