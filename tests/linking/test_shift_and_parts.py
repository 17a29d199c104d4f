"""What a whole day mends: a shift common to all voices, and labels under which a diarizer put two."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.linking.cluster import LinkOptions, cluster, modelled
from tasks.linking.link import link
from tasks.linking.model import LEAST_SESSION, Model, session_size
from tasks.linking.nodes import ChunkVoices, nodes_of
from tasks.linking.parts import halves, parted
from tasks.linking.spread import measure
from tests.simulation.day import heard, simulate
from tests.simulation.diarizer import Mistakes, diarized
from tests.simulation.hard import CASES
from tests.simulation.score import score, turns_of


@pytest.mark.parametrize("case", ["another microphone from noon", "a tenth of the chunks merge two"])
def test_hard_days_that_the_rest_of_the_day_mends(case: str) -> None:
    day, chunks = CASES[case](8, 0, 0.5)
    found = score(turns_of(chunks, day.truth), link(chunks).turns)
    assert found.found == 8
    assert found.der < 0.02


def test_a_shift_is_found_where_it_begins_and_nowhere_else() -> None:
    day, moved = CASES["another microphone from noon"](6, 1, 0.5)
    after = next(c.index for c in day.chunks if c.core.middle_s > 12 * 3600)
    spoken = {c.index for c in moved if len(c.labels)}
    shifts = shifts_of(moved)
    assert len(shifts) == 1
    assert not any(min(shifts[0], after) <= i < max(shifts[0], after) for i in spoken)
    assert shifts_of(heard(day, 0.5)) == []


def test_of_a_shift_only_what_follows_is_moved_back() -> None:
    _, moved = CASES["another microphone from noon"](6, 1, 0.5)
    nodes = nodes_of(moved)
    found = cluster(nodes, measure(moved, nodes), LinkOptions())
    since = found.shifts[0][0]
    assert not found.shift(since - 1).any()
    assert np.array_equal(found.shift(since), found.shifts[0][1])


def test_a_label_of_two_voices_is_parted_and_labels_of_one_are_not() -> None:
    day = simulate(6, 0, hours=6.0)
    merged = heard(day, 0.5, diarized(day, Mistakes(0.0, 0.0, 0.0, split=0.0, merged=0.5)))
    plain = heard(day, 0.5)
    assert all(np.array_equal(a, c.labels) for a, c in zip(labels_of(plain), plain, strict=True))
    more = [len(np.unique(a)) - len(np.unique(c.labels)) for a, c in zip(labels_of(merged), merged, strict=True)]
    lacking = [len(np.unique(t)) - len(np.unique(c.labels)) for t, c in zip(day.truth, merged, strict=True)]
    assert sum(more) >= sum(lacking) / 2 > 0
    assert all(m <= k for m, k in zip(more, lacking, strict=True))


def test_few_windows_are_not_parted() -> None:
    day = simulate(6, 0, hours=6.0)
    chunks = heard(day, 0.5)
    nodes = nodes_of(chunks)
    model = modelled(nodes, measure(chunks, nodes), LinkOptions())
    apart = np.zeros((30, len(model.between)))
    apart[15:, 0] = 30.0
    assert halves(apart, model) is None
    other = halves(np.repeat(apart, 4, axis=0), model)
    assert other is not None
    assert set(np.flatnonzero(other).tolist()) in (set(range(60)), set(range(60, 120)))


def shifts_of(chunks: list[ChunkVoices]) -> list[int]:
    nodes = nodes_of(chunks)
    return [since for since, _ in cluster(nodes, measure(chunks, nodes), LinkOptions()).shifts]


def labels_of(chunks: list[ChunkVoices]) -> list[np.ndarray]:
    nodes = nodes_of(chunks)
    spread = measure(chunks, nodes)
    model = modelled(nodes, spread, LinkOptions())
    return parted(chunks, [spread(c.embeddings.astype(np.float64)) @ model.axes for c in chunks], model)


def test_what_differs_less_than_people_do_is_not_parted() -> None:
    rng = np.random.default_rng(4)
    model = Model(np.eye(4), np.full(4, 100.0), np.full(4, 0.05))
    windows = rng.normal(size=(200, 4))
    windows[::3, 0] += 5.0  # those at the edges of turns, say
    windows = np.sort(windows.reshape(4, 50, 4), axis=1).reshape(200, 4)
    assert halves(windows, model) is not None
    assert halves(windows, model, nearest=8.0) is None
    windows[:80, 1] += 20.0
    other = halves(windows, model, nearest=8.0)
    assert other is not None
    assert other.sum() == 80


def test_sessions_differ_by_something_though_neighbouring_chunks_did_not() -> None:
    places = np.zeros((40, 3))
    pairs = np.array([[i, i + 1] for i in range(39)])
    assert session_size(places, np.full(40, 300.0), pairs) == LEAST_SESSION
