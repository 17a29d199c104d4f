"""Outliers: a speaker of half a minute in a day who resembles a known voice along the axes of the PLDA model."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.linking.nodes import Array
from tasks.linking.outliers import BRIEF, KNOWN, find_outliers
from tasks.linking.plda import Groups, Plda
from tests.simulation.hard import CASES
from tests.simulation.score import score, turns_of

DIM, AXES = 24, 4


def heard(*, distance: float, windows: int, sessions: int = 30) -> tuple[Groups, Array, Array, list[list[int]]]:
    """Two voices along the axes, `sessions` each; in the first's one unit more, at `distance` outside of the axes."""
    rng = np.random.default_rng(1)
    model = Plda(np.eye(DIM)[:, :AXES], np.full(AXES, 16.0), np.full(AXES, 0.3))
    where = rng.normal(0, np.sqrt(0.2), (2 * sessions + 1, DIM))
    where[sessions : 2 * sessions, 0] += 8.0
    where[-1] += distance * np.concatenate([np.zeros(AXES), np.full(DIM - AXES, 1.0)]) / np.sqrt(DIM - AXES)
    count = np.full(len(where), 300.0)
    count[-1] = windows
    members = [[*range(sessions), 2 * sessions], list(range(sessions, 2 * sessions))]
    return model.groups(where, count), where, count, members


def test_a_unit_far_outside_of_the_axes_is_an_outlier() -> None:
    singles, where, windows, members = heard(distance=6.0, windows=40)
    assert find_outliers(singles, where, windows, members) == [60]


@pytest.mark.parametrize(("far", "windows"), [(0.0, 40), (1.0, 40), (6.0, BRIEF + 1)])
def test_known_voices_and_long_units_are_no_outliers(far: float, windows: int) -> None:
    assert find_outliers(*heard(distance=far, windows=windows)) == []


def test_voices_of_few_units_have_no_outliers() -> None:
    assert find_outliers(*heard(distance=6.0, windows=40, sessions=KNOWN - 2)) == []


def test_half_a_minute_of_a_day_is_not_merged_to_another_voice() -> None:
    from tasks.linking.cluster import LinkOptions
    from tasks.linking.link import link

    day, chunks = CASES["one who speaks half a minute"](12, 3, 0.5)
    found = score(turns_of(chunks, day.truth), link(chunks).turns)
    assert found.found == found.real == 12
    assert len(link(chunks, LinkOptions(most=11)).embeddings) == 11
