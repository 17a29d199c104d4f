"""An engine's words become records: none empty, every one with times that run forwards."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.transcription.words import MIN_WORD_S, DecodedWord, clean_words, trim_words

WITHIN = Span(0.0, 60.0)


def raw(text: str, start: float | None = None, end: float | None = None, stretch: int = 0) -> dict[str, Any]:
    return {"word": text, "start": start, "end": end, "probability": 0.9, "stretch": stretch}


times = st.one_of(st.none(), st.floats(-5, 70), st.just(float("nan")))
anything = st.lists(st.builds(raw, st.text(max_size=6), times, times, st.integers(0, 2)), max_size=30)
STRETCHES = [Span(0, 20), Span(25, 40), Span(50, 60)]


@given(anything)
@example([raw("0\r\x08")])
def test_whatever_an_engine_says_the_words_are_in_order_and_inside(said: list[dict[str, Any]]) -> None:
    words = clean_words(said, STRETCHES, WITHIN)
    assert all(w.text and w.text == w.text.strip() for w in words)
    assert all(0 <= w.start_s <= w.end_s <= 60 for w in words)
    assert [w.start_s for w in words] == sorted(w.start_s for w in words)
    assert [w.end_s for w in words] == sorted(w.end_s for w in words)


@given(anything, st.lists(st.tuples(st.floats(0, 60), st.floats(0.1, 9)).map(lambda t: Span(t[0], sum(t)))))
def test_taking_silence_off_keeps_words_in_order(said: list[dict[str, Any]], speech: list[Span]) -> None:
    words = clean_words(said, STRETCHES, WITHIN)
    left = trim_words(words, speech)
    assert [w.text for w in left] == [w.text for w in words]
    assert [w.start_s for w in left] == sorted(w.start_s for w in left)
    assert all(w.start_s <= w.end_s for w in left)


def test_words_without_times_share_the_room_between_their_neighbours_by_length_and_say_so() -> None:
    said = [raw(" it", 1.0, 1.5), raw(" costs"), raw(" $5"), raw(" now", 3.3, 4.0)]
    words = clean_words(said, STRETCHES[:1], WITHIN)
    assert [(w.start_s, w.end_s) for w in words] == [(1.0, 1.5), (1.5, 3.0), (3.0, 3.3), (3.3, 4.0)]
    assert [w.times for w in words] == ["engine", "fast", "fast", "engine"]


def test_marks_that_stand_alone_stay_beside_their_word_and_do_not_lengthen_it() -> None:
    said = [raw(" …", 0.1, 0.2), raw(" well", 0.5, 1.0), raw(" !", 1.0, 1.1), raw(" ", 1.1, 1.2), raw(" -", 2, 3)]
    (word,) = clean_words(said, STRETCHES[:1], WITHIN)
    assert (word.text, word.start_s, word.end_s) == ("… well ! -", 0.5, 1.0)


def test_control_characters_do_not_reach_a_transcript() -> None:
    (word,) = clean_words([raw(" a\x00b\x1b[31m\nc", 0, 1)], STRETCHES[:1], WITHIN)
    assert word.text == "ab[31m c"


def test_a_word_has_some_length_even_at_the_end() -> None:
    said = [raw(" one", 19.0, 20.0), raw(" two", 20.0, 20.0)]
    words = clean_words(said, STRETCHES[:1], WITHIN)
    assert all(w.end_s - w.start_s >= MIN_WORD_S - 1e-9 for w in words)


def test_a_word_loses_the_pause_before_it() -> None:
    words = trim_words([DecodedWord(2.0, 5.5, "hello")], [Span(0, 2.1), Span(5.0, 8.0)])
    assert [(w.start_s, w.end_s) for w in words] == [(5.0, 5.5)]


def test_a_word_over_silence_keeps_its_times() -> None:
    assert trim_words([DecodedWord(3.0, 3.5, "hm")], [Span(0, 1)]) == [DecodedWord(3.0, 3.5, "hm")]
