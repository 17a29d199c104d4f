"""How far a hypothesis is trusted, and how far two of them agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transcription.hypothesis import Hypothesis, measure_agreement
from tasks.transcription.words import DecodedWord

WORDS = st.lists(st.sampled_from(["we", "We,", "all", "know", "that", "the", "ice"]), max_size=12)


@given(WORDS, WORDS)
def test_agreement_is_a_share_of_all_words(one: list[str], other: list[str]) -> None:
    first, second = ([DecodedWord(i, i + 0.5, w) for i, w in enumerate(words)] for words in (one, other))
    assert 0 <= measure_agreement(first, second) <= 1
    assert measure_agreement(first, first) == 1
    assert measure_agreement(first, [] if first else [DecodedWord(0.0, 0.5, "oh")]) == 0


@pytest.mark.parametrize(
    ("logprob", "no_speech", "is_invented"), [(-0.97, 0.02, False), (-1.38, 0.2, True), (-0.9, 0.7, True)]
)
def test_a_translation_is_doubted_less_than_a_transcript(logprob: float, no_speech: float, is_invented: bool) -> None:
    words = tuple(DecodedWord(i / 2, i / 2 + 0.4, f"w{i}", confidence=0.46) for i in range(9))
    found = Hypothesis(words, logprob, no_speech)
    assert found.is_invented_translation == is_invented
    assert found.is_invented
