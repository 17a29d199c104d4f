"""Confidence means something where the less sure is the more often wrong."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.reliability import judge_speakers, judge_words, measure_reliability
from tasks.evaluation.utterances import Utterance
from tasks.intervals import Span
from tasks.records import UNKNOWN, Turn, Word
from tests.helpers.sample_words import make_word


def word(
    at_s: float, text: str, sure: float | None = 0.9, speaker: str | None = None, sure_of: float | None = None
) -> Word:
    return make_word(at_s, at_s + 0.3, text, sure, speaker=speaker, speaker_confidence=sure_of)


def test_confidence_that_is_a_chance_is_calibrated() -> None:
    rng = random.Random(1)
    judged = [(p, rng.random() < p) for p in (rng.random() for _ in range(20_000))]
    measured = measure_reliability(judged)
    assert measured is not None
    assert measured.calibration_error < 0.02
    assert [b.count for b in measured.bins] == [2_000] * 10
    rights = [b.right for b in measured.bins]
    assert rights == sorted(rights)
    # The least sure tenth is wrong nineteen times of twenty, and half of all words are wrong.
    assert measured.caught["10%"] == pytest.approx(0.19, abs=0.02)


def test_confidence_that_says_nothing_finds_no_more_than_chance() -> None:
    rng = random.Random(2)
    measured = measure_reliability([(rng.random(), rng.random() < 0.9) for _ in range(20_000)])
    assert measured is not None
    assert measured.calibration_error == pytest.approx(0.41, abs=0.03)
    assert measured.caught["5%"] == pytest.approx(0.05, abs=0.02)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=10, max_size=60))
def test_bins_hold_every_word_once(judged: list[tuple[float, bool]]) -> None:
    measured = measure_reliability(judged)
    assert measured is not None
    assert sum(b.count for b in measured.bins) == measured.count == len(judged)
    assert sum(b.right * b.count for b in measured.bins) == pytest.approx(measured.count - measured.wrong)
    assert [b.confidence for b in measured.bins] == sorted(b.confidence for b in measured.bins)
    assert list(measured.caught.values()) == sorted(measured.caught.values())


def test_too_few_words_tell_nothing() -> None:
    assert measure_reliability([(0.5, True)] * 9) is None


def test_words_are_right_where_they_were_said() -> None:
    said = [Utterance(0, 2, "ana", "good morning ben"), Utterance(299.5, 300.5, "ben", "hello there")]
    found = [
        word(0.1, "Good", 0.9), word(0.8, "mourning", 0.3), word(1.4, "Ben,", 0.8), word(40.0, "ben", 0.2),
        word(299.4, "hello", 0.7), word(300.2, "there.", 0.6), word(310.0, "—", 0.1), word(320.0, "so", None),
    ]  # fmt: skip
    assert sorted(judge_words(said, found)) == [
        (0.2, False), (0.3, False), (0.6, True), (0.7, True), (0.8, True), (0.9, True),
    ]  # fmt: skip


def test_a_words_speaker_is_right_by_the_best_mapping_where_one_person_speaks() -> None:
    truth = [Turn(0, 10, "ana"), Turn(8, 20, "ben")]
    found = [Turn(0, 10, "S0"), Turn(10, 20, "S1")]
    heard = [
        word(1, "a", speaker="S0", sure_of=0.9),
        word(2, "b", speaker="S1", sure_of=0.6),
        word(9, "c", speaker="S0", sure_of=0.5),
        word(15, "d", speaker="S1", sure_of=0.8),
        word(16, "e", speaker=UNKNOWN, sure_of=None),
        word(30, "f", speaker="S1", sure_of=0.4),
    ]
    assert judge_speakers(truth, found, heard, [Span(0, 40)]) == [(0.9, True), (0.6, False), (0.8, True)]
