"""Refinement of clusters, and the prior log odds of merging."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tasks.linking.agglomerate import agglomerate, merge_log_odds, prior_log_odds
from tasks.linking.plda import Groups, Plda
from tasks.linking.refine import refine_assignments

DIM = 4


def sessions(places: list[float]) -> Groups:
    """Units along the first axis of a space in which voices lie 5 apart and sessions 1."""
    model = Plda(np.eye(DIM), np.full(DIM, 25.0), np.ones(DIM))
    where = np.zeros((len(places), DIM))
    where[:, 0] = places
    return model.groups(where, np.full(len(places), 100.0))


def no_evidence(count: int) -> Any:
    return csr_array((count, count))


def test_a_wrongly_merged_unit_moves_to_its_likeliest_voice() -> None:
    singles = sessions([0.0, 0.2, -0.2, 9.8, 10.0, 10.2])
    wrong = [[0, 1, 2, 3], [4, 5]]
    assert refine_assignments(singles, no_evidence(6), wrong) == [[0, 1, 2], [3, 4, 5]]


def test_a_voice_without_units_is_removed_down_to_the_least_count() -> None:
    singles = sessions([0.0, 0.2, -0.2, 0.1])
    assert refine_assignments(singles, no_evidence(4), [[0, 1, 2], [3]]) == [[0, 1, 2, 3]]
    assert refine_assignments(singles, no_evidence(4), [[0, 1, 2], [3]], least=2) == [[0, 1, 2], [3]]


def test_units_with_evidence_against_one_voice_stay_apart() -> None:
    singles = sessions([0.0, 0.2, -0.2, 0.1])
    evidence = np.zeros((4, 4))
    evidence[0, 3] = evidence[3, 0] = -20.0
    assert refine_assignments(singles, csr_array(evidence), [[0, 1, 2], [3]]) == [[0, 1, 2], [3]]


def test_units_of_no_voice_are_left_out() -> None:
    assert refine_assignments(sessions([0.0, 0.1, 0.2]), no_evidence(3), [[0, 2]]) == [[0, 2]]


def many_sessions(count: int, seed: int, apart: float = 0.0) -> Groups:
    """Of one voice, or of two `apart`; as real ones they vary in some directions more than in others."""
    session = np.array([1.0, 0.6, 0.4, 0.2])
    where = np.random.default_rng(seed).normal(size=(count, DIM)) * np.sqrt(session)
    where[count // 2 :, 0] += apart
    return Plda(np.eye(DIM), np.full(DIM, 8.0), session).groups(where, np.full(count, 400.0))


@pytest.mark.parametrize("count", [20, 60])
def test_one_voice_with_many_sessions_is_not_split(count: int) -> None:
    found = [len(agglomerate(many_sessions(count, seed), np.zeros((count, count)))) for seed in range(30)]
    assert found.count(1) >= 29


def test_two_voices_with_many_sessions_stay_two() -> None:
    for seed in range(30):
        found = agglomerate(many_sessions(60, seed, apart=10.0), np.zeros((60, 60)))
        assert found == [list(range(30)), list(range(30, 60))]


@given(st.integers(1, 500), st.integers(1, 500))
def test_merge_log_odds_are_symmetric_and_never_below_the_prior(a: int, b: int) -> None:
    found = float(merge_log_odds(np.array(float(a)), np.array(float(b))))
    assert found == float(merge_log_odds(np.array(float(b)), np.array(float(a))))
    assert found >= float(prior_log_odds(np.array(max(a, b))))
    # The best cut of n points of a normal distribution gains n/π.
    assert found <= max(np.log(max(a, b)), (a + b) / np.pi) + 1e-9
