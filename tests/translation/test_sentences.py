"""Whole sentences of a transcript, and translations as the text of its segments."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tasks.canonical import canonical
from tasks.records import Transcript
from tasks.text import to_one_line
from tasks.translation.sentences import Answer, build_sentences, gather, join_texts, share_out
from tests.helpers.sample_transcripts import make_transcript


def split(*said: tuple[float, str, str]) -> Transcript:
    return canonical(make_transcript([(start, who, text.split()) for start, who, text in said]))


def test_a_sentence_goes_on_in_the_speakers_next_segment() -> None:
    transcript = split(
        (0.0, "SPEAKER_00", "Hello. We meet on"), (2.0, "SPEAKER_01", "Yes?"), (3.0, "SPEAKER_00", "Monday. At ten.")
    )
    found = build_sentences(transcript)
    assert [s.text for s in found] == ["Hello.", "We meet on Monday.", "Yes?", "At ten."]
    assert found[1].parts == ((0, "We meet on"), (2, "Monday."))
    assert {s.language for s in found} == {"en"}


def test_it_does_not_go_on_after_a_long_pause() -> None:
    found = build_sentences(split((0.0, "SPEAKER_00", "We meet on"), (30.0, "SPEAKER_00", "Monday.")))
    assert [s.text for s in found] == ["We meet on", "Monday."]


def test_a_translation_is_shared_out_over_the_segments_of_its_sentence() -> None:
    transcript = split((0.0, "SPEAKER_00", "Hello. We meet on"), (2.5, "SPEAKER_00", "Monday morning."))
    sentences = build_sentences(transcript)
    answers = {0: Answer("Hallo.", "translated"), 1: Answer("Wir treffen uns am Montagmorgen.", "translated")}
    first, second = gather(transcript, sentences, answers, "de", "openai/m")
    assert (first.text, second.text) == ("Hallo. Wir treffen", "uns am Montagmorgen.")
    assert (first.segment, first.language, first.status, first.engine) == (0, "de", "translated", "openai/m")


def test_what_is_not_translated_stays_and_is_marked() -> None:
    transcript = split((0.0, "SPEAKER_00", "Hello. We meet."), (5.0, "SPEAKER_01", "12."), (8.0, "SPEAKER_01", "No!"))
    answers = {0: Answer("Hallo.", "translated"), 2: Answer("12.", "original")}
    found = gather(transcript, build_sentences(transcript), answers, "de", "openai/m")
    assert [(t.text, t.status, t.engine) for t in found] == [
        ("Hallo. We meet.", "partial", "openai/m"),
        ("12.", "original", None),
        ("No!", "untranslated", "openai/m"),
    ]


words = st.lists(st.sampled_from(("Yes.", "no?", "12", "東京。", "«ja»", "Dr.", "well,", "…", "a")), max_size=12)


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from(["SPEAKER_00", "SPEAKER_01"]), words), max_size=8))
def test_every_word_is_in_one_sentence_and_comes_back_to_its_segment(
    said: list[tuple[float, str, list[str]]],
) -> None:
    transcript = canonical(make_transcript([each for each in said if each[2]]))
    sentences = build_sentences(transcript)
    back = gather(transcript, sentences, {}, "de", "openai/m")
    assert {t.segment: t.text.replace(" ", "") for t in back} == {
        s.index: to_one_line(s.text).replace(" ", "") for s in transcript.segments
    }
    assert all(t.status == "untranslated" for t in back)


@given(st.text("ab 東京。", max_size=40).map(to_one_line), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_nothing_is_lost_where_a_text_is_shared_out(text: str, weights: list[int]) -> None:
    parts = share_out(text, weights)
    assert len(parts) == len(weights)
    assert join_texts(parts).replace(" ", "") == text.replace(" ", "")


def test_an_ordinal_ends_no_sentence_where_the_language_writes_it_with_a_full_stop() -> None:
    transcript = make_transcript([(0.0, "SPEAKER_00", ["Am", "9.", "Oktober", "kommt", "er.", "Um", "zehn."])])
    words = tuple(replace(w, language="de") for w in transcript.words)
    german = [s.text for s in build_sentences(canonical(replace(transcript, words=words)))]
    assert german == ["Am 9. Oktober kommt er.", "Um zehn."]
    assert len(build_sentences(canonical(transcript))) == 3
