"""One language for the recording, from a few places."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, clip, measure_union_s, merge_spans
from tasks.transcription.language import select_places, vote

speech_maps = st.lists(
    st.tuples(st.floats(0, 80_000), st.floats(0.2, 600)).map(lambda t: Span(t[0], t[0] + t[1])), max_size=40
)


@given(speech_maps)
def test_places_are_few_short_apart_and_full_of_speech(speech: list[Span]) -> None:
    found = select_places(speech, count=5, window_s=30.0)
    assert len(found) <= 5
    assert bool(found) == bool(merge_spans(speech))
    assert all(s.duration_s <= 30.0 + 1e-6 for s in found)
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(found))
    assert all(measure_union_s(clip(speech, s)) > 0 for s in found)


def test_places_reach_the_whole_day() -> None:
    speech = [Span(t, t + 20) for t in range(0, 86_400, 60)]
    found = select_places(speech)
    assert len(found) == 5
    assert found[0].start_s == 0
    assert found[-1].start_s > 60_000


def test_the_most_seconds_decide() -> None:
    english = [("en", 0.8), ("de", 0.2)]
    german = [("de", 0.95), ("en", 0.05)]
    code, confidence = vote([(english, 30), (english, 30), (german, 20)]) or ("", 0)
    assert code == "en"
    assert confidence == pytest.approx((0.8 * 60 + 0.05 * 20) / 80)


def test_the_order_of_places_does_not_matter() -> None:
    tied = [([("fr", 1.0)], 10.0), ([("de", 1.0)], 10.0)]
    assert vote(tied) == vote(tied[::-1]) == ("de", 0.5)


def test_nothing_heard_gives_no_language() -> None:
    assert vote([]) is None
    assert vote([([], 30.0)]) is None
