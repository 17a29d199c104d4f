"""Channel shifts common to all voices, and splitting of labels that hold two voices."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.linking.cluster import LinkOptions, cluster, fit_plda
from tasks.linking.link import link
from tasks.linking.nodes import ChunkVoices, build_nodes
from tasks.linking.plda import LEAST_SESSION, Plda, estimate_session_variance
from tasks.linking.split_labels import find_second_voice, split_labels
from tasks.linking.within_covariance import estimate_whitening
from tests.simulation.day import heard, simulate
from tests.simulation.diarizer import Mistakes, diarized
from tests.simulation.hard import CASES
from tests.simulation.score import score, turns_of


@pytest.mark.parametrize("case", ["another microphone from noon", "a tenth of the chunks merge two"])
def test_hard_days_are_linked(case: str) -> None:
    day, chunks = CASES[case](8, 0, 0.5)
    found = score(turns_of(chunks, day.truth), link(chunks).turns)
    assert found.found == 8
    assert found.der < 0.02


def test_a_shift_is_found_where_it_begins_and_nowhere_else() -> None:
    day, moved = CASES["another microphone from noon"](6, 1, 0.5)
    after = next(c.index for c in day.chunks if c.core.middle_s > 12 * 3600)
    spoken = {c.index for c in moved if len(c.labels)}
    shifts = find_shifts(moved)
    assert len(shifts) == 1
    assert not any(min(shifts[0], after) <= i < max(shifts[0], after) for i in spoken)
    assert find_shifts(heard(day, 0.5)) == []


def test_a_shift_is_subtracted_only_from_later_chunks() -> None:
    _, moved = CASES["another microphone from noon"](6, 1, 0.5)
    nodes = build_nodes(moved)
    found = cluster(nodes, estimate_whitening(moved, nodes), LinkOptions())
    since = found.shifts[0][0]
    assert not found.total_shift(since - 1).any()
    assert np.array_equal(found.total_shift(since), found.shifts[0][1])


def test_a_label_of_two_voices_is_split_and_labels_of_one_are_not() -> None:
    day = simulate(6, 0, hours=6.0)
    merged = heard(day, 0.5, diarized(day, Mistakes(0.0, 0.0, 0.0, split=0.0, merged=0.5)))
    plain = heard(day, 0.5)
    assert all(np.array_equal(a, c.labels) for a, c in zip(find_labels(plain), plain, strict=True))
    more = [len(np.unique(a)) - len(np.unique(c.labels)) for a, c in zip(find_labels(merged), merged, strict=True)]
    lacking = [len(np.unique(t)) - len(np.unique(c.labels)) for t, c in zip(day.truth, merged, strict=True)]
    assert sum(more) >= sum(lacking) / 2 > 0
    assert all(m <= k for m, k in zip(more, lacking, strict=True))


def test_few_windows_are_not_split() -> None:
    day = simulate(6, 0, hours=6.0)
    chunks = heard(day, 0.5)
    nodes = build_nodes(chunks)
    model = fit_plda(nodes, estimate_whitening(chunks, nodes), LinkOptions())
    apart = np.zeros((30, len(model.between)))
    apart[15:, 0] = 30.0
    assert find_second_voice(apart, model) is None
    other = find_second_voice(np.repeat(apart, 4, axis=0), model)
    assert other is not None
    assert set(np.flatnonzero(other).tolist()) in (set(range(60)), set(range(60, 120)))


def find_shifts(chunks: list[ChunkVoices]) -> list[int]:
    nodes = build_nodes(chunks)
    return [since for since, _ in cluster(nodes, estimate_whitening(chunks, nodes), LinkOptions()).shifts]


def find_labels(chunks: list[ChunkVoices]) -> list[np.ndarray]:
    nodes = build_nodes(chunks)
    whitening = estimate_whitening(chunks, nodes)
    model = fit_plda(nodes, whitening, LinkOptions())
    return split_labels(chunks, [whitening(c.embeddings.astype(np.float64)) @ model.axes for c in chunks], model)


def test_parts_nearer_than_speakers_are_not_split() -> None:
    rng = np.random.default_rng(4)
    model = Plda(np.eye(4), np.full(4, 100.0), np.full(4, 0.05))
    windows = rng.normal(size=(200, 4))
    windows[::3, 0] += 5.0  # those at the edges of turns, say
    windows = np.sort(windows.reshape(4, 50, 4), axis=1).reshape(200, 4)
    assert find_second_voice(windows, model) is not None
    assert find_second_voice(windows, model, nearest=8.0) is None
    windows[:80, 1] += 20.0
    other = find_second_voice(windows, model, nearest=8.0)
    assert other is not None
    assert other.sum() == 80


def test_session_variance_has_a_lower_bound() -> None:
    places = np.zeros((40, 3))
    pairs = np.array([[i, i + 1] for i in range(39)])
    assert estimate_session_variance(places, np.full(40, 300.0), pairs) == LEAST_SESSION
