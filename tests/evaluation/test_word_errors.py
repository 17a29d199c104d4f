"""Word errors of one stream, beside the table of distances written out, and MeetEval where it is installed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation import words
from tasks.evaluation.utterances import Utterance
from tasks.evaluation.word_errors import WordErrors, count_word_errors

texts = st.lists(st.sampled_from("abcd"), max_size=12)


def distance(reference: list[str], hypothesis: list[str]) -> int:
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        above, row = row, [i]
        for j, found in enumerate(hypothesis, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != found)))
    return row[-1]


@given(texts, texts)
def test_the_errors_are_the_fewest_and_account_for_the_lengths(reference: list[str], hypothesis: list[str]) -> None:
    errors = count_word_errors(reference, hypothesis)
    assert errors.total == distance(reference, hypothesis)
    assert min(errors) >= 0
    assert len(reference) - errors.deletions + errors.insertions == len(hypothesis)


def test_a_long_gap_and_a_wrong_word() -> None:
    said = [str(number) for number in range(3000)]
    found = said[:700] + said[1200:2000] + ["wrong"] + said[2001:] + ["more", "and", "more"]
    assert count_word_errors(said, found) == WordErrors(3, 500, 1)


def score(found: list[Utterance]) -> words.WordScore:
    said = [Utterance(0.0, 1.0, "ana", "Good morning, Ben."), Utterance(2.0, 3.0, "ben", "Morning! I'm here.")]
    result = words.score_words(said, found)
    assert result is not None
    return result


def test_without_meeteval_the_words_of_all_speakers_are_scored_as_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Utterance(2.0, 3.0, "S1", "morning I'm not here"), Utterance(0.0, 1.0, "S1", "good evening ben")]
    installed = words.is_meeteval_installed()
    scored = score(found)
    monkeypatch.setattr(words, "is_meeteval_installed", lambda: False)
    assert score(found) == words.WordScore(2 / 6, None, None, 6, 1, 0, 1)
    assert score([]) == words.WordScore(1.0, None, None, 6, 0, 6, 0)
    if installed:
        assert scored.wer == pytest.approx(2 / 6)
