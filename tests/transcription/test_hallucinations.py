"""Whisper's own failures are found, and people's repetitions left alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.transcription.hallucinations import (
    collapse_loops,
    find_loops,
    is_repetitive,
    min_repeats,
    select_near_speech,
)
from tasks.transcription.words import DecodedWord

SENTENCE = ["so", "the", "second", "item", "on", "our", "list", "today", "is", "the", "budget", "for", "next", "year"]


def words(*texts: str) -> list[DecodedWord]:
    return [DecodedWord(float(i), i + 0.5, t) for i, t in enumerate(texts)]


@given(st.integers(1, 12), st.integers(0, 5), st.integers(0, 4))
def test_a_phrase_said_too_often_in_a_row_is_kept_once(unit: int, more: int, tail: int) -> None:
    phrase = [f"w{i}" for i in range(unit)]
    text = ["before"] + phrase * (min_repeats(unit) + more) + phrase[: min(tail, unit - 1)] + ["after"]
    (loop,) = find_loops(text)
    kept = [w.text for w in collapse_loops(words(*text), [loop])]
    assert kept == ["before", *phrase, "after"]


@given(st.integers(1, 12))
def test_a_phrase_said_less_often_stays(unit: int) -> None:
    text = [f"w{i}" for i in range(unit)] * (min_repeats(unit) - 1)
    assert find_loops(text) == []


def test_case_and_punctuation_do_not_hide_a_loop() -> None:
    assert is_repetitive(["Thank", "you.", "thank", "you,", "Thank", "you!", "THANK", "YOU", "thank", "you."])


def test_ordinary_talk_is_not_repetitive() -> None:
    assert not is_repetitive(SENTENCE)
    assert not is_repetitive(["no", "no", "no", "no", "that", "is", "not", "what", "I", "said", "I", "said", "no"])
    assert not is_repetitive([])


def test_text_that_nearly_repeats_itself_is_found_by_its_compression() -> None:
    text = " ".join(f"thanks for watching number {i} and see you in the next video" for i in range(20))
    assert is_repetitive(text.split())


@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_cutting_loops_keeps_order_and_leaves_no_loop_at_its_place(text: list[str]) -> None:
    said = words(*text)
    kept = collapse_loops(said, find_loops(text))
    assert [w.start_s for w in kept] == sorted(w.start_s for w in kept)
    assert set(kept) <= set(said)
    assert {w.text for w in kept} == set(text)


def test_words_far_from_speech_are_dropped() -> None:
    said = [DecodedWord(1.0, 1.4, "hello"), DecodedWord(7.0, 7.4, "thanks"), DecodedWord(10.2, 10.6, "late")]
    kept = select_near_speech(said, [Span(0.9, 1.5), Span(9.0, 10.1)], slack_s=0.5)
    assert [w.text for w in kept] == ["hello", "late"]
