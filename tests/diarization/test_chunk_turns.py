"""Turns of one chunk from labels of windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.diarization.turns import labels_of, smoothed, turns
from tasks.diarization.windows import windows
from tasks.intervals import Span, subtract, tidy, total_s
from tasks.records import Turn

speech_maps = st.lists(
    st.tuples(st.floats(0, 300), st.floats(0.1, 20)).map(lambda t: Span(t[0], t[0] + t[1])), min_size=1, max_size=12
)


@given(speech_maps, st.randoms(use_true_random=False))
def test_turns_tile_the_speech_whatever_the_labels(speech: list[Span], random: object) -> None:
    where = windows(speech)
    labels = [random.randrange(3) for _ in where]  # type: ignore[attr-defined]
    found = turns(where, labels, speech)
    spans = [t.span for t in found]
    assert total_s(subtract(speech, spans)) == pytest.approx(0, abs=1e-6)
    assert sum(s.duration_s for s in spans) == pytest.approx(total_s(speech), abs=1e-6)
    assert all(any(s.start_s <= t.start_s and t.end_s <= s.end_s for s in tidy(speech)) for t in found)


def test_two_voices_part_in_the_middle_of_what_their_windows_share() -> None:
    speech = [Span(0, 3.75)]
    found = turns(windows(speech), [7, 7, 2, 2], speech)
    assert [(t.start_s, t.end_s, t.speaker) for t in found] == [(0, 1.875, "0"), (1.875, 3.75, "1")]


def test_a_turn_ends_with_the_speech_though_the_same_voice_goes_on_after_a_pause() -> None:
    speech = [Span(0, 2), Span(2.5, 4)]
    found = turns(windows(speech), np.zeros(len(windows(speech)), int), speech)
    assert [(t.start_s, t.end_s) for t in found] == [(0, 2), (2.5, 4)]


def test_numbers_of_labels_and_windows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 windows, but 1 labels"):
        turns(np.array([[0, 1.5], [0.75, 2.25]]), [0], [Span(0, 2.25)])


def test_a_flip_of_one_window_is_smoothed() -> None:
    where = windows([Span(0, 6)])
    flip = [0, 0, 0, 1, 0, 0, 0]
    assert smoothed(where, flip, 0.76).tolist() == [0] * 7
    assert smoothed(where, flip, 0.5).tolist() == flip


def test_a_change_of_voice_is_not_smoothed_nor_a_word_between_pauses() -> None:
    where = windows([Span(0, 3.75), Span(5, 6), Span(8, 11.75)])
    labels = [0, 0, 1, 1, 0, 1, 1, 1, 1]
    assert smoothed(where, labels, 0.76).tolist() == labels


def test_turns_of_another_diarizer_become_labels_of_windows() -> None:
    where = np.array([[0, 1.5], [0.75, 2.25], [5, 6.5]])
    found = labels_of([Turn(0, 1.2, "2"), Turn(1.2, 3, "0")], where)
    assert found.tolist() == [2, 0, -1]
    assert labels_of([], where).tolist() == [-1, -1, -1]
