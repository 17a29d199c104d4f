"""What corrections say of the machine's words."""

from __future__ import annotations

from tasks.corrections.facts import Fact
from tasks.corrections.judged import JudgedWords, judge_words, list_judged_spans
from tasks.intervals import Span
from tasks.records import Word

SAID = ["we", "run", "cube", "control", "every", "day"]
WORDS = [Word(float(k), k + 0.9, text, chunk=0, channel=0) for k, text in enumerate(SAID)]

WHOLE = Span(0.0, 5.9)


def correct(now: str | None, was: str = " ".join(SAID), span: Span = WHOLE, number: int = 1) -> Fact:
    return Fact("0a1b2c3d" * 8, span, was=was, now=now, number=number)


def judge(*facts: Fact) -> tuple[list[bool | None], int]:
    found: JudgedWords = judge_words(WORDS, (), facts)
    return [found.wrong.get(k) for k in range(len(WORDS))], found.missing


def test_words_that_were_replaced_are_wrong_and_the_others_of_the_line_are_right() -> None:
    assert judge(correct("we run kubectl every day")) == ([False, False, True, True, False, False], 0)


def test_added_words_were_missing() -> None:
    assert judge(correct("So we run cube control every single day")) == ([False] * 6, 2)


def test_a_line_that_was_confirmed_is_right() -> None:
    assert judge(correct("We run cube control, every day.")) == ([False] * 6, 0)


def test_what_is_not_speech_is_all_wrong() -> None:
    assert judge(correct("")) == ([True] * 6, 0)


def test_another_speaker_says_nothing_of_the_words() -> None:
    assert judge(correct(None)) == ([None] * 6, 0)
    assert list_judged_spans([correct(None)]) == []


def test_of_two_corrections_of_a_line_the_last_counts() -> None:
    first = "We run one two three cube control every day"
    second = correct("we run cube control every day", first, number=2)
    assert judge(correct(first), second) == ([False] * 6, 0)


def test_words_that_no_correction_is_about_are_not_judged() -> None:
    found = judge(correct("we ran", "we run", Span(0.0, 1.9)))
    assert found == ([False, True, None, None, None, None], 0)
