"""The probability that a word is wrong, before anybody has corrected anything and after."""

from __future__ import annotations

import random

import pytest

from tasks.review.calibrate import PRIOR, Evidence, Judged, calibrate


def make_judged(num: int, rate: float, seed: int = 1) -> Judged:
    """Words with confidences of all kinds, of which `rate` × (1 − confidence) × 2 are wrong."""
    chance = random.Random(seed)
    sure = [chance.random() for _ in range(num)]
    evidence = tuple(Evidence(c, 0.8) for c in sure)
    return Judged(evidence, tuple(chance.random() < min(1.0, 2 * rate * (1 - c)) for c in sure), missing=num // 50)


def test_without_corrections_the_built_in_curve_holds() -> None:
    assert calibrate(Judged()) == PRIOR


def test_less_sure_words_are_more_probably_wrong() -> None:
    words = [Evidence(c / 10, 0.8) for c in range(11)]
    for curve in (PRIOR, calibrate(make_judged(300, 0.4))):
        found = list(curve.estimate(words))
        assert found == sorted(found, reverse=True)
        assert all(0 < p < 1 for p in found)


def test_what_another_recogniser_heard_otherwise_is_more_probably_wrong_and_what_it_heard_too_less() -> None:
    agreed, alone, disputed = PRIOR.estimate([Evidence(0.7, 0.8, is_disputed=d) for d in (False, None, True)])
    assert agreed < alone < disputed


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.9])
def test_many_corrections_decide(rate: float) -> None:
    judged = make_judged(4000, rate)
    found = calibrate(judged)
    assert found.judged == 4000
    assert sum(found.estimate(judged.evidence)) == pytest.approx(sum(judged.wrong), rel=0.15)


def test_few_corrections_move_the_curve_a_little() -> None:
    word = [Evidence(0.6, 0.8)]
    wrong = Judged((Evidence(0.6, 0.8),) * 5, (True,) * 5)
    before, after = PRIOR.estimate(word)[0], calibrate(wrong).estimate(word)[0]
    assert before < after < before + 0.15


def test_words_all_right_or_all_wrong_are_no_fault() -> None:
    for wrong in (True, False):
        calibrate(Judged((Evidence(0.9, 0.9),) * 40, (wrong,) * 40))


def test_confidences_of_0_and_1_are_not_certain() -> None:
    assert all(
        0 < p < 1 for p in PRIOR.estimate([Evidence(0.0, 0.0), Evidence(1.0, 1.0), Evidence(float("nan"), 0.5)])
    )
