"""cpWER and tcpWER: cases worked by hand."""

from __future__ import annotations

import pytest

from tasks.errors import UsageError
from tasks.evaluation.hypotheses import SystemOutput
from tasks.evaluation.references import Reference
from tasks.evaluation.score import score_recording
from tasks.evaluation.utterances import Utterance
from tasks.evaluation.words import MAX_SPEAKERS, score_words
from tasks.intervals import Span
from tasks.records import Turn
from tasks.word_forms import to_scoring_form

pytest.importorskip("meeteval", reason="the extra `scoring` is not installed")


def said(*of: tuple[float, str, str]) -> list[Utterance]:
    return [Utterance(start, start + 1.0, speaker, text) for start, speaker, text in of]


REFERENCE = said((0, "ana", "Good morning, Ben."), (2, "ben", "Morning!"), (4, "ana", "Let's begin then."))


def test_the_same_words_under_other_names_are_right() -> None:
    found = said((0, "S1", "good morning ben"), (2, "S0", "morning"), (4, "S1", "let’s begin — then"))
    result = score_words(REFERENCE, found)
    assert (result.cpwer, result.tcpwer, result.num_words) == (0, 0, 7)


def test_a_word_under_the_wrong_name_is_wrong_twice() -> None:
    """Deleted from its speaker, inserted at the other: 2 errors of 7 words."""
    found = said((0, "S1", "good morning ben"), (2, "S0", "morning let's"), (4, "S1", "begin then"))
    result = score_words(REFERENCE, found)
    assert result.cpwer == pytest.approx(2 / 7)
    assert (result.insertions, result.deletions, result.substitutions) == (1, 1, 0)


def test_one_name_for_two_people_loses_the_words_of_one() -> None:
    """The one stream goes to Ana: Ben's word is deleted from him, inserted at her."""
    found = said((0, "S", "good morning ben"), (2, "S", "morning"), (4, "S", "let's begin then"))
    assert score_words(REFERENCE, found).cpwer == pytest.approx(2 / 7)


def test_words_far_from_their_time_count_only_without_the_clock() -> None:
    found = said((60, "S1", "good morning ben"), (62, "S0", "morning"), (64, "S1", "let's begin then"))
    result = score_words(REFERENCE, found)
    assert result.cpwer == 0
    assert result.tcpwer == 2


def test_nothing_recognised() -> None:
    score_recording = score_words(REFERENCE, [])
    assert (score_recording.cpwer, score_recording.deletions) == (1, 7)
    assert score_words(REFERENCE, said((0, "S", "—"))).cpwer == 1


def test_only_words_in_the_regions() -> None:
    found = said((0, "S1", "good morning ben"), (100, "S1", "applause"))
    score_recording = score_words(REFERENCE, found, [Span(0, 1.2)])
    assert (score_recording.cpwer, score_recording.num_words) == (0, 3)
    with pytest.raises(UsageError, match="no words"):
        score_words(REFERENCE, found, [Span(50, 60)])


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("It's Ana’s.", "it's ana's"),
        ("'quoted' dogs' ", "quoted dogs"),
        ("3.5 %, 1,000; 2024.", "3.5 1,000 2024"),
        ("Twenty-one and/or two", "twenty one and or two"),
        ("¿Qué? ÇA VA…", "qué ça va"),
        ("हिन्दी में", "हिन्दी में"),
        (" \u200b… ", ""),
    ],
)
def test_texts_are_compared_without_case_and_punctuation(text: str, normal: str) -> None:
    assert to_scoring_form(text) == normal


def test_more_speakers_than_meeteval_takes_leave_the_other_scores() -> None:
    turns = (Turn(0.0, 1.0, "ana"),)
    many = [(float(i), f"S{i}", "yes") for i in range(MAX_SPEAKERS + 1)]
    result = score_recording(
        Reference("x", turns, tuple(REFERENCE)), SystemOutput("x-1", "x", turns, tuple(said(*many)))
    )
    assert result.words is not None
    assert (result.words.cpwer, result.words.tcpwer) == (None, None)
    assert "at most 20 speakers, and here are 21" in (result.words_missing or "")
    assert result.diarization is not None
    assert result.diarization.der == 0.0


def test_wer_takes_all_speakers_as_one_stream() -> None:
    swapped = said((0, "S2", "good morning ben"), (1, "S1", "good morning"), (2, "S1", "ana yes"))
    unlabelled = [Utterance(u.start_s, u.end_s, "", u.text) for u in swapped]
    score_recording = score_words(unlabelled, swapped)
    assert (score_recording.wer, score_recording.cpwer, score_recording.num_words) == (0.0, None, 7)


def test_a_reference_without_speakers_gets_no_diarization_score() -> None:
    words = (Utterance(0, 1, "", "good morning"),)
    result = score_recording(
        Reference("x", (), words), SystemOutput("x-1", "x", (Turn(0, 1, "S"),), tuple(said((0, "S", "good"))))
    )
    assert (result.diarization, result.worst, result.speakers) == (None, None, ())
    assert result.words is not None
    assert (result.words.wer, result.words.deletions) == (0.5, 1)
