"""Paths through tokens: found by Viterbi's algorithm, and read as times of words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.alignment.ctc import find_path
from tasks.alignment.tokens import Tokens, find_word_times, tokenize_words

BLANK, DELIMITER = 0, 1


def encode(word: str) -> list[int]:
    return [2 + "abcd".index(c) for c in word if c in "abcd"]


def speak(path: list[int], sure: float = 0.9) -> np.ndarray:
    """Log probabilities (T, 6) in which each frame says a token."""
    out = np.full((len(path), 6), (1 - sure) / 5, np.float32)
    out[np.arange(len(path)), path] = sure
    return np.log(out)


def test_words_without_a_known_letter_have_no_tokens_and_no_delimiter() -> None:
    assert tokenize_words(["x", "ab", "–", "c"], encode, DELIMITER) == Tokens((2, 3, 1, 4), (1, 1, None, 3))
    assert tokenize_words(["ab", "c"], encode, None) == Tokens((2, 3, 4), (0, 0, 1))


def test_a_word_lasts_from_its_first_token_to_its_last() -> None:
    tokens = tokenize_words(["ab", "–", "bb"], encode, DELIMITER)
    log_probs = speak([0, 2, 2, 3, 0, 1, 0, 3, 0, 3, 3, 0])
    path = find_path(log_probs, tokens, BLANK)
    assert path == [0, 1, 1, 3, 4, 5, 6, 7, 8, 9, 9, 10]
    found = find_word_times(path, tokens, log_probs, 10.0, 0.5, 3)
    assert found == [(10.5, 12.0, pytest.approx(0.9)), None, (13.5, 15.5, pytest.approx(0.9))]


def test_equal_letters_need_a_frame_between_them() -> None:
    tokens = tokenize_words(["bb"], encode, None)
    assert find_path(speak([3, 3]), tokens, BLANK) is None
    assert find_path(speak([3, 0, 3]), tokens, BLANK) == [1, 2, 3]


@given(st.lists(st.text("abcd", min_size=1, max_size=4), min_size=1, max_size=6), st.data())
def test_what_was_said_is_found_whatever_the_pauses(words: list[str], data: st.DataObject) -> None:
    said, spans = [0], []
    for word in words:
        start = len(said)
        for i, token in enumerate(encode(word)):
            pause = [0] * data.draw(st.integers(0 if i == 0 or token != said[-1] else 1, 2)) if i else []
            said += [*pause, *[token] * data.draw(st.integers(1, 3))]
        spans.append((start, len(said)))
        said += [0] * data.draw(st.integers(1, 3))
    tokens = tokenize_words(words, encode, None)
    log_probs = speak(said)
    path = find_path(log_probs, tokens, BLANK)
    assert path is not None
    found = find_word_times(path, tokens, log_probs, 0.0, 1.0, len(words))
    assert [row and (round(row[0]), round(row[1])) for row in found] == spans
