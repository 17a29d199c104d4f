"""How words join: in lines of a transcript, at changes of speaker, and in every export."""

from __future__ import annotations

import pytest

from tasks.joining import is_unspaced, join_words, weigh_word
from tests.helpers.sample_words import make_word


@pytest.mark.parametrize("char", "天のコーｶㄅไກကក々〇")
def test_letters_of_scripts_without_blanks(char: str) -> None:
    assert is_unspaced(char)


@pytest.mark.parametrize("char", "aéßя안अ5๓。、「%Ａ ")
def test_letters_of_other_scripts_digits_and_marks(char: str) -> None:
    assert not is_unspaced(char)


def test_the_first_word_has_no_blank_before_it() -> None:
    words = [make_word(0, 1, text, space_before=blank) for text, blank in (("a", True), ("b", True), ("天", False))]
    assert join_words(words) == "a b天"
    assert join_words([]) == ""


def test_two_letters_of_a_script_without_blanks_count_as_a_word() -> None:
    assert [weigh_word(make_word(0, 1, text)) for text in ("word", "天", "「天」", "3.5%", "–")] == [
        1,
        0.5,
        0.5,
        1,
        1,
    ]
