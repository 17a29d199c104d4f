"""The time of a span is shared out over words by their length."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.alignment.share import count_spoken, share_time
from tasks.intervals import Span, clip, measure_union_s

starts = st.floats(0, 90_000)
durations = st.floats(0.001, 3_600)
texts = st.lists(st.text(max_size=12), min_size=1, max_size=40)


@given(starts, durations, texts)
def test_shares_tile_the_span_in_order_and_none_is_empty(start: float, duration: float, said: list[str]) -> None:
    span = Span(start, start + duration)
    shares = share_time(span, said)
    assert len(shares) == len(said)
    assert (shares[0].start_s, shares[-1].end_s) == (span.start_s, span.end_s)
    assert all(a.end_s == b.start_s for a, b in pairwise(shares))
    assert all(shares)


@given(texts, st.lists(st.tuples(st.floats(0, 60), st.floats(0.05, 9)), max_size=6))
def test_shares_of_speech_fill_it_in_order(said: list[str], rows: list[tuple[float, float]]) -> None:
    span, speech = Span(10.0, 50.0), [Span(a, a + length) for a, length in rows]
    shares = share_time(span, said, speech)
    room = clip(speech, span) or [span]
    assert all(shares)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(shares))
    assert shares[0].start_s == room[0].start_s
    assert shares[-1].end_s == pytest.approx(room[-1].end_s)
    filled = [part for share in shares for part in clip(room, share)]
    assert measure_union_s(filled) == pytest.approx(measure_union_s(room))
    for share in shares:
        assert any(s.start_s - 1e-9 <= share.start_s <= s.end_s + 1e-9 for s in room)
        assert any(s.start_s - 1e-9 <= share.end_s <= s.end_s + 1e-9 for s in room)


def test_a_word_begins_behind_a_pause_and_ends_before_it() -> None:
    shares = share_time(Span(0, 12), ["ab", "ab", "abcd"], [Span(1, 2), Span(5, 6), Span(9, 11)])
    assert shares == [Span(1, 2), Span(5, 6), Span(9, 11)]


@given(starts, durations, texts)
def test_a_longer_word_has_no_shorter_share(start: float, duration: float, said: list[str]) -> None:
    shares = zip(said, share_time(Span(start, start + duration), said), strict=True)
    by_length = sorted((count_spoken(text), share.duration_s) for text, share in shares)
    assert all(a[1] <= b[1] + 1e-6 for a, b in pairwise(by_length) if a[0] < b[0])


def test_a_share_grows_with_the_characters_spoken() -> None:
    assert [s.duration_s for s in share_time(Span(10, 20), ["a", "four,", "– five5"])] == pytest.approx([1, 4, 5])


@given(texts)
def test_no_time_is_shared_out_as_no_time(said: list[str]) -> None:
    assert share_time(Span(5.0, 5.0), said) == [Span(5.0, 5.0)] * len(said)
    assert share_time(Span(5.0, 4.0), said) == [Span(5.0, 5.0)] * len(said)
    assert share_time(Span(5.0, 6.0), []) == []
