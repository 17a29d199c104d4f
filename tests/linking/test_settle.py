"""Joins made early that turn out wrong, and what speaks for one voice before it is heard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tasks.linking.agglomerate import agglomerate, in_favour, of_known
from tasks.linking.model import Groups, Model
from tasks.linking.settle import settled

DIM = 4


def sessions(places: list[float]) -> Groups:
    """Units along the first axis of a space in which voices lie 5 apart and sessions 1."""
    model = Model(np.eye(DIM), np.full(DIM, 25.0), np.ones(DIM))
    where = np.zeros((len(places), DIM))
    where[:, 0] = places
    return model.groups(where, np.full(len(places), 100.0))


def nothing_known(count: int) -> Any:
    return csr_array((count, count))


def test_a_unit_that_was_joined_too_early_moves_to_the_voice_it_is_like() -> None:
    singles = sessions([0.0, 0.2, -0.2, 9.8, 10.0, 10.2])
    wrong = [[0, 1, 2, 3], [4, 5]]
    assert settled(singles, nothing_known(6), wrong) == [[0, 1, 2], [3, 4, 5]]


def test_a_voice_that_loses_all_its_units_is_gone_unless_so_many_are_asked_for() -> None:
    singles = sessions([0.0, 0.2, -0.2, 0.1])
    assert settled(singles, nothing_known(4), [[0, 1, 2], [3]]) == [[0, 1, 2, 3]]
    assert settled(singles, nothing_known(4), [[0, 1, 2], [3]], least=2) == [[0, 1, 2], [3]]


def test_who_were_told_apart_stay_apart() -> None:
    singles = sessions([0.0, 0.2, -0.2, 0.1])
    told = np.zeros((4, 4))
    told[0, 3] = told[3, 0] = -20.0
    assert settled(singles, csr_array(told), [[0, 1, 2], [3]]) == [[0, 1, 2], [3]]


def test_units_of_nobody_are_left_alone() -> None:
    assert settled(sessions([0.0, 0.1, 0.2]), nothing_known(3), [[0, 2]]) == [[0, 2]]


def many_sessions(count: int, seed: int, apart: float = 0.0) -> Groups:
    """Of one voice, or of two `apart`; as real ones they vary in some directions more than in others."""
    session = np.array([1.0, 0.6, 0.4, 0.2])
    where = np.random.default_rng(seed).normal(size=(count, DIM)) * np.sqrt(session)
    where[count // 2 :, 0] += apart
    return Model(np.eye(DIM), np.full(DIM, 8.0), session).groups(where, np.full(count, 400.0))


@pytest.mark.parametrize("count", [20, 60])
def test_one_voice_with_many_sessions_is_not_cut_in_two(count: int) -> None:
    found = [len(agglomerate(many_sessions(count, seed), np.zeros((count, count)))) for seed in range(30)]
    assert found.count(1) >= 29


def test_two_voices_with_many_sessions_stay_two() -> None:
    for seed in range(30):
        found = agglomerate(many_sessions(60, seed, apart=10.0), np.zeros((60, 60)))
        assert found == [list(range(30)), list(range(30, 60))]


@given(st.integers(1, 500), st.integers(1, 500))
def test_what_speaks_for_one_voice_is_the_same_from_both_sides_and_never_less_than_the_prior(a: int, b: int) -> None:
    found = float(in_favour(np.array(float(a)), np.array(float(b))))
    assert found == float(in_favour(np.array(float(b)), np.array(float(a))))
    assert found >= float(of_known(np.array(max(a, b))))
    # The best cut of n points of a normal distribution gains n/π.
    assert found <= max(np.log(max(a, b)), (a + b) / np.pi) + 1e-9
