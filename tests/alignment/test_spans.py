"""Which words an aligner is asked about, and what becomes of its answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.alignment.spans import PAD_S, align_words, find_runs, split_run
from tasks.records import Word, WordTimes

SOUND = np.zeros(16_000 * 60, np.float32)
Asked = list[tuple[Any, ...]]


def make(rows: list[tuple[float, float, str, WordTimes]]) -> list[Word]:
    return [Word(a, b, text, chunk=0, channel=0, times=way) for a, b, text, way in rows]


SAID = make(
    [
        (1.0, 2.0, "one", "engine"),
        (2.0, 3.0, "two", "fast"),
        (3.0, 4.0, "three", "fast"),
        (5.0, 6.0, "four", "engine"),
        (8.0, 9.0, "five", "fast"),
    ]
)


def test_an_aligner_is_asked_about_words_without_times_of_their_own_and_the_room_around_them() -> None:
    asked: Asked = []

    def ask(*question: Any) -> Any:
        asked.append(question)
        return [[(2.2, 2.9, 0.8), (3.1, 4.2, 0.7)], [None]]

    out = align_words(SAID, SOUND, "en", ask)
    ((method, sound, stretches, texts, language),) = asked
    assert (method, language, texts) == ("align", "en", [["two", "three"], ["five"]])
    assert sound is SOUND
    assert stretches == [(2.0, 4.0 + PAD_S), (8.0 - PAD_S, 9.0 + PAD_S)]
    assert [(w.start_s, w.end_s, w.times, w.confidence) for w in out[1:3]] == [
        (2.2, 2.9, "aligned", 0.8),
        (3.1, 4.2, "aligned", 0.7),
    ]
    assert [out[i] for i in (0, 3, 4)] == [SAID[i] for i in (0, 3, 4)]


def test_a_word_that_is_not_found_has_a_share_between_its_neighbours() -> None:
    out = align_words(SAID, SOUND, None, lambda *_: [[None, (3.5, 4.1, None)], [(8.4, 8.4, None)]])
    assert [(w.start_s, w.end_s, w.times) for w in out[1:3]] == [(2.0, 3.5, "fast"), (3.5, 4.1, "aligned")]
    assert out[4] == SAID[4]


def test_nothing_is_asked_where_all_words_have_times() -> None:
    assert align_words(SAID[:1], SOUND, "en", pytest.fail) == SAID[:1]
    assert align_words([], SOUND, "en", pytest.fail) == []


def test_a_long_run_is_cut_at_its_longest_pauses() -> None:
    starts = [0.0, 1.0, 2.0, 6.0, 7.0, 8.0, 9.0]
    words = make([(s, s + 1.0, "x", "fast") for s in starts])
    assert find_runs(words) == [range(7)]
    assert split_run(words, range(7), None) == [range(7)]
    assert split_run(words, range(7), 5.0) == [range(3), range(3, 7)]
    assert split_run(words, range(7), 3.0) == [range(1), range(1, 3), range(3, 5), range(5, 7)]
    assert split_run(words, range(1), 0.5) == [range(1)]


rows = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0.02, 3), st.text("ab–", max_size=4), st.sampled_from(["engine", "fast"])),
    max_size=12,
)


@given(rows, st.data(), st.one_of(st.none(), st.floats(0.5, 10)))
def test_whatever_an_aligner_says_words_stay_in_order_and_others_as_they_were(
    said: list[tuple[float, float, str, WordTimes]], data: st.DataObject, longest_s: float | None
) -> None:
    at, placed = 0.0, []
    for pause, length, text, way in said:
        placed.append((at + pause, at + pause + length, text, way))
        at += pause + length
    words = make(placed)
    times = st.one_of(st.none(), st.tuples(st.floats(-5, 60), st.floats(-5, 60), st.none()))

    def ask(_method: str, _sound: Any, stretches: Any, texts: Any, _language: Any) -> Any:
        assert all(0 <= a < b <= 60 + PAD_S for a, b in stretches)
        return [[data.draw(times) for _ in own] for own in texts]

    out = align_words(words, SOUND, None, ask, longest_s)
    assert [w.text for w in out] == [w.text for w in words]
    assert [w for w, before in zip(out, words, strict=True) if before.times == "engine"] == [
        w for w in words if w.times == "engine"
    ]
    assert [w.start_s for w in out] == sorted(w.start_s for w in out)
    assert all(w.start_s <= w.end_s for w in out)
