"""One language for the recording, from a few places."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, clip, measure_union_s, merge_spans
from tasks.transcription.language import (
    FoundLanguage,
    Place,
    choose_language,
    limit_languages,
    select_places,
    summarise,
    vote,
)

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


def test_a_recording_of_a_minute_has_several_places() -> None:
    found = select_places([Span(0, 12), Span(13, 30), Span(31, 42)])
    assert len(found) == 4
    assert all(span.duration_s <= 10.5 for span in found)
    assert len(select_places([Span(0, 19)])) == 1


def test_places_in_another_language_are_named_if_that_is_certain() -> None:
    english, german = [("en", 0.95), ("de", 0.02)], [("de", 0.9), ("en", 0.05)]
    accent, mixed = [("la", 0.6), ("en", 0.3)], [("de", 0.85), ("en", 0.15)]
    spans = [Span(10.0 * i, 10.0 * i + 10) for i in range(5)]
    places = zip(spans, [english, german, accent, mixed, english], strict=True)
    found = choose_language([(span, detection, 10.0) for span, detection in places])
    assert found.language == "en"
    assert found.disagreeing == (Place(spans[1], "de", 0.9),)


def test_without_any_place_there_is_no_language() -> None:
    assert choose_language([]) == summarise([], []) == FoundLanguage(None, None, ())


def test_the_main_language_of_spans_is_that_of_most_speech_and_its_confidence_the_share_in_it() -> None:
    spans = [Place(Span(0, 10), "de", 0.9), Place(Span(10, 40), "en", 0.8), Place(Span(40, 50), "de", 1.0)]
    found = summarise(spans, [Span(0, 10), Span(20, 40), Span(40, 50)])
    assert found.language == "de"
    assert found.confidence == pytest.approx(19 / 40)


def test_languages_are_limited_to_those_that_may_be_spoken() -> None:
    detection = [("nl", 0.6), ("de", 0.3), ("en", 0.1)]
    assert limit_languages(detection, None) == detection
    assert limit_languages(detection, ("de", "en")) == [("de", pytest.approx(0.75)), ("en", pytest.approx(0.25))]
    assert limit_languages(detection, ("fr",)) == []


def test_latin_is_found_only_where_it_is_certain() -> None:
    """Whisper base hears a synthetic French voice as Latin, 0.37, before French, 0.28."""
    unclear = [("la", 0.37), ("fr", 0.28), ("br", 0.09)]
    assert limit_languages(unclear, None) == [("fr", 0.28), ("br", 0.09)]
    certain = [("la", 0.95), ("it", 0.02)]
    assert limit_languages(certain, None) == certain
    assert limit_languages(unclear, ("la",)) == [("la", 1.0)]
    assert limit_languages([("la", 0.4)], None) == [("la", 0.4)]
