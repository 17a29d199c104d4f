"""DER and its kin: cases worked by hand, and pyannote.metrics' figures for any two sets of turns."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.evaluation.comparison import compare, group_by_speaker
from tasks.evaluation.diarization import compute_rates, match_speakers, score_diarization
from tasks.intervals import Span
from tasks.records import UNKNOWN, Turn


def turns(*of: tuple[float, float, str]) -> list[Turn]:
    return [Turn(*one) for one in of]


def test_der_by_hand() -> None:
    """100 s of speech; 5 s missed, 3 s of false alarm, 10 s under the wrong name."""
    truth = turns((0, 60, "ana"), (70, 110, "ben"))
    found = turns((5, 50, "x"), (50, 60, "y"), (70, 110, "y"), (110, 113, "y"))
    score = score_diarization(truth, found)
    assert score.missed == pytest.approx(0.05)
    assert score.false_alarm == pytest.approx(0.03)
    assert score.confusion == pytest.approx(0.10)
    assert score.der == pytest.approx(0.18)
    assert (score.reference_s, score.scored_s) == (100, 113)
    # ana: 45 of 60 s in common with x; ben: 40 s in common of 53 s that he or y speaks.
    assert score.jer == pytest.approx((15 / 60 + 13 / 53) / 2)
    assert score.purity == pytest.approx((45 + 40) / 98)
    assert score.coverage == pytest.approx((45 + 40) / 100)


def test_overlapping_speech_is_scored_for_each_of_its_speakers() -> None:
    score = score_diarization(turns((0, 10, "a"), (5, 10, "b")), turns((0, 10, "x")))
    assert score.reference_s == 15
    assert score.missed == pytest.approx(5 / 15)
    assert score.der == score.missed


def test_some_papers_leave_out_where_several_speak() -> None:
    truth, found = turns((0, 10, "a"), (5, 15, "b")), turns((0, 5, "x"), (5, 15, "y"))
    score = score_diarization(truth, found)
    assert score.der == pytest.approx(5 / 20)
    assert score.der_single == 0
    # b is missed for a second of the ten in which one speaks alone.
    assert score_diarization(truth, turns((0, 10, "x"), (11, 15, "y"))).der_single == pytest.approx(0.1)


def test_the_collar_is_a_quarter_of_a_second_on_each_side() -> None:
    truth = turns((1, 11, "a"))
    assert score_diarization(truth, turns((1.2, 11, "x"))).der_collar == 0
    # 0.3 s late: 0.05 s beyond the collar, of the 9.5 s that remain.
    assert score_diarization(truth, turns((1.3, 11, "x"))).der_collar == pytest.approx(0.05 / 9.5)


def test_only_the_regions_are_scored() -> None:
    truth, found = turns((0, 10, "a")), turns((0, 5, "x"), (20, 30, "x"))
    assert score_diarization(truth, found).der == pytest.approx(1.5)
    assert score_diarization(truth, found, [Span(0, 6)]).der == pytest.approx(1 / 6)


def test_one_speakers_own_overlapping_turns_count_once() -> None:
    assert score_diarization(turns((0, 6, "a"), (4, 10, "a")), turns((0, 10, "x"))).der == 0


def test_nothing_found_and_nothing_there() -> None:
    assert score_diarization(turns((0, 10, "a")), []).der == 1
    assert score_diarization([], turns((0, 10, "x"))).der == 1
    assert score_diarization([], []).der == 0


def test_unknown_is_an_error_but_not_a_speaker() -> None:
    score = score_diarization(turns((0, 20, "a")), turns((0, 15, "x"), (15, 20, UNKNOWN)))
    assert score.speakers_found == 1
    assert score.confusion == pytest.approx(0.25)


def test_a_speaker_who_returns_is_told_of_before_and_after() -> None:
    truth = turns((0, 100, "dora"), (100, 900, "ana"), (900, 1000, "dora"))
    found = turns((0, 100, "x"), (100, 900, "y"), (900, 975, "z"), (975, 1000, "x"))
    dora, ana = match_speakers(truth, found)
    assert (dora.reference, dora.found, dora.share) == ("dora", "x", pytest.approx(125 / 200))
    assert dora.absence is not None
    assert (dora.absence.start_s, dora.absence.end_s) == (100, 900)
    assert (dora.absence.share_before, dora.absence.share_after) == (1.0, 0.25)
    assert ana.absence is None


def test_a_speaker_nobody_was_mapped_to() -> None:
    first, second = match_speakers(turns((0, 10, "a"), (10, 14, "b")), turns((0, 14, "x")))
    assert (first.found, second.found, second.share) == ("x", None, 0)


def test_a_day_takes_seconds() -> None:
    """Twenty thousand turns a side; an algorithm that compares each with each takes minutes."""
    truth = [Turn(i * 4.0, i * 4.0 + 3.7, f"s{i % 12}") for i in range(21_600)]
    found = [Turn(i * 4.0 + 0.1, i * 4.0 + 3.9, f"h{(i // 3) % 11}") for i in range(21_600)]
    start = time.process_time()
    score_diarization(truth, found)
    assert time.process_time() - start < 30


def some_turns(names: str) -> st.SearchStrategy[list[Turn]]:
    one = st.builds(
        lambda start, length, name: Turn(start / 8, (start + length) / 8, name),
        st.integers(0, 200),
        st.integers(1, 60),
        st.sampled_from(names),
    )
    return st.lists(one, min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(some_turns("abcd"), some_turns("wxyz"))
def test_the_sweep_for_long_days_gives_pyannotes_figures(reference: list[Turn], hypothesis: list[Turn]) -> None:
    """With merged turns; time lies on a grid of 1/8 s, for pyannote drops what is shorter than a microsecond."""
    score = score_diarization(reference, hypothesis)
    assert score.scorer.startswith("pyannote.metrics")
    truth, found = group_by_speaker(reference), group_by_speaker(hypothesis)
    scored = [Span(0.0, score.scored_s)]
    own = compute_rates(truth, found, scored, compare(truth, found, scored))
    # JER depends on which of several equally good mappings is taken.
    for name in set(own._fields) - {"jer"}:
        assert getattr(own, name) == pytest.approx(getattr(score, name)), name
