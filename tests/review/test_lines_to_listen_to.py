"""Which lines are worth listening to, and what that is expected to buy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.records import Transcript, Turn
from tasks.review.calibrate import PRIOR
from tasks.review.spans import AROUND_S, LEAST_ERRORS, Line, Survey, choose_lines, survey
from tests.helpers.synthetic_day import make_synthetic_day


@pytest.fixture(scope="module")
def day() -> Transcript:
    return make_synthetic_day(800, hours=0.2)


def test_a_line_has_the_errors_of_its_words_and_those_missing(day: Transcript) -> None:
    found = survey(day, PRIOR)
    assert [line.segment for line in found.lines] == [s.index for s in day.segments]
    unsure = replace(day, words=tuple(replace(w, confidence=0.2) for w in day.words))
    sure = replace(day, words=tuple(replace(w, confidence=0.99) for w in day.words))
    assert survey(sure, PRIOR).wer < found.wer < survey(unsure, PRIOR).wer


def test_what_people_have_judged_has_no_errors(day: Transcript) -> None:
    found = survey(day, PRIOR, [Span(0.0, day.recording.duration_s)])
    assert found.errors == 0
    half = survey(day, PRIOR, [Span(0.0, day.recording.duration_s / 2)])
    assert 0 < half.errors < survey(day, PRIOR).errors


def test_where_two_speak_words_are_missing(day: Transcript) -> None:
    first = day.turns[0]
    both = replace(day, turns=(*day.turns, Turn(first.start_s, first.end_s, "SPEAKER_99")))
    one, other = survey(day, PRIOR), survey(both, PRIOR)
    assert other.lines[0].errors > one.lines[0].errors + 1
    assert other.num_words > one.num_words


def test_speech_without_words_counts_though_no_line_is_near(day: Transcript) -> None:
    end_s = day.recording.duration_s
    silent = replace(day, turns=(*day.turns, Turn(end_s + 60, end_s + 70, "SPEAKER_00")))
    assert survey(silent, PRIOR).elsewhere == pytest.approx(survey(day, PRIOR).elsewhere + 20)


def test_a_transcript_without_words_is_no_fault(day: Transcript) -> None:
    nothing = survey(replace(day, words=(), segments=(), turns=()), PRIOR)
    assert nothing.wer == 0
    assert str(choose_lines(nothing, 600)) == "nothing that is worth listening to: WER about 0.0 %"


LINES = st.lists(
    st.tuples(st.floats(0.1, 30), st.floats(0, 20)).map(lambda pair: pair),
    max_size=30,
).map(lambda pairs: tuple(Line(k, Span(40.0 * k, 40.0 * k + long), errors) for k, (long, errors) in enumerate(pairs)))


@given(LINES, st.floats(0, 300), st.floats(0, 5))
def test_lines_fit_the_time_and_are_in_the_order_of_errors_a_second(
    lines: tuple[Line, ...], budget_s: float, elsewhere: float
) -> None:
    found = Survey(lines, elsewhere, 1000.0)
    chosen = choose_lines(found, budget_s)
    assert chosen.seconds <= budget_s + 1e-6
    worth = [line.errors / line.cost_s for line in chosen.lines]
    assert worth == sorted(worth, reverse=True)
    assert all(line.errors >= LEAST_ERRORS for line in chosen.lines)
    assert 0 <= chosen.share <= 1 + 1e-9
    assert chosen.wer[1] <= chosen.wer[0]
    left = [line for line in lines if line not in chosen.lines and line.errors >= LEAST_ERRORS]
    assert all(line.cost_s > budget_s - chosen.seconds - 1e-6 for line in left)


def test_what_listening_buys_is_said_in_a_sentence() -> None:
    lines = tuple(Line(k, Span(20.0 * k, 20.0 * k + 9.0 - AROUND_S), 4.0) for k in range(62))
    found = Survey((*lines, Line(99, Span(2000, 2300), 60.0)), 140.0, 5500.0)
    assert str(choose_lines(found, 600)) == (
        "these 62 spans, 9 min 18 s, hold about 55 % of the wrong words: WER from 8.1 to about 3.6 %"
    )
