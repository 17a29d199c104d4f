"""Answers of services in all their formats become words with times inside the sound, and no text is lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.transcription.openai_answers import read_language, read_words

numbers = st.one_of(st.floats(-5, 40), st.just(math.inf), st.none(), st.text(max_size=2))
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)
segments = st.lists(st.fixed_dictionaries({"start": numbers, "end": numbers, "text": texts}), max_size=4)
timed = st.lists(st.fixed_dictionaries({"start": numbers, "end": numbers, "word": texts}), max_size=6)


@given(texts, segments | st.none(), timed | st.none())
def test_whatever_is_answered_words_are_inside_the_sound(text: str, segments: object, words: object) -> None:
    found = read_words({"text": text, "segments": segments, "words": words}, 3, 10.0, 30.0)
    assert all(w["stretch"] == 3 for w in found)
    for word in found:
        for time in (word["start"], word["end"]):
            assert time is None or 10.0 <= time <= 30.0


SAID = ["Hello", "there,", "you", "–", "5%", "again."]


@given(st.lists(st.sampled_from(SAID), min_size=1, max_size=9), st.booleans())
@example(["–", "Hello", "Hello"], False)
def test_the_text_is_whole_whatever_the_list_of_words_lacks(text: list[str], lacks: bool) -> None:
    text = ["Hello", *text]
    known = [(i, w) for i, w in enumerate(text) if w != "–" and not (lacks and w == "you")]
    listed = [{"word": w.strip(",."), "start": float(i), "end": i + 0.5} for i, w in known]
    found = read_words({"text": " ".join(text), "words": listed}, 0, 0.0, 30.0)
    assert [w["word"].strip() for w in found] == text
    starts = [w["start"] for w in found if w["start"] is not None]
    assert starts == sorted(set(starts))
    if not lacks:
        assert starts == [float(i) for i, _ in known]


def test_words_without_times_share_their_sentence_by_length() -> None:
    segments = [{"start": 1.0, "end": 3.0, "text": " a bcd"}, {"start": 5.0, "end": 6.0, "text": " Yes."}]
    found = read_words({"text": "a bcd Yes.", "segments": segments}, 0, 10.0, 20.0)
    assert [(w["word"], w["start"], w["end"]) for w in found] == [
        (" a", 11.0, 11.5),
        (" bcd", 11.5, 13.0),
        (" Yes.", 15.0, 16.0),
    ]


def test_a_service_may_tell_how_sure_it_is_of_a_word() -> None:
    words = [{"word": " yes", "start": 0.1, "end": 0.4, "probability": 0.8}]
    assert read_words({"text": "Yes.", "words": words}, 0, 0.0, 1.0)[0]["probability"] == 0.8


@pytest.mark.parametrize(
    ("named", "code"), [("english", "en"), ("de", "de"), ("Klingon", None), ("", None), (None, None), (5, None)]
)
def test_languages_are_named_as_codes_or_in_english(named: object, code: str | None) -> None:
    assert read_language({"language": named}) == code


def test_words_that_share_a_time_are_marked_so() -> None:
    import numpy as np

    from tasks.intervals import Span
    from tasks.transcription.decoding import Decoder
    from tasks.transcription.speech import Window

    answers = {
        "fast": {"text": "Hello there", "segments": [{"start": 0.5, "end": 1.5, "text": "Hello there"}]},
        "engine": {"text": "Hello", "words": [{"word": "Hello", "start": 0.5, "end": 0.9}]},
    }
    for times, answer in answers.items():

        def ask(*_: object, answer: object = answer) -> object:
            return read_words(answer, 0, 0.0, 2.0)  # type: ignore[arg-type]

        decoder = Decoder(np.zeros(32_000, np.float32), "en", ask)
        [found] = decoder.decode([Window((Span(0.0, 2.0),))], {})
        assert {w.times for w in found.words} == {times}
