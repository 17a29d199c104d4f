"""Resegmentation: the likeliest path through each chunk, independent of the chunks it is batched with."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, merge_spans
from tasks.linking.nodes import cover
from tasks.linking.resegment import CHANGE, find_best_paths


def draw(seed: int, lengths: list[int], states: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, states)) for n in lengths], [rng.integers(0, 2, n) for n in lengths]


def odds(path: tuple[int, ...], likely: np.ndarray, labels: np.ndarray) -> float:
    """The log probability of a path, by its definition."""
    total = float(likely[0, path[0]])
    for t in range(1, len(path)):
        free = labels[t] != labels[t - 1]
        stays = path[t] == path[t - 1]
        total += np.log(1 - CHANGE if stays or free else CHANGE / (likely.shape[1] - 1)) + likely[t, path[t]]
    return total


@given(st.integers(0, 10_000), st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(2, 3))
def test_no_path_is_likelier(seed: int, lengths: list[int], states: int) -> None:
    likely, labels = draw(seed, lengths, states)
    for path, says, label in zip(find_best_paths(likely, labels), likely, labels, strict=True):
        best = max(odds(other, says, label) for other in product(range(states), repeat=len(path)))
        assert np.isclose(odds(tuple(path.tolist()), says, label), best)


@given(st.integers(0, 10_000), st.lists(st.integers(1, 40), min_size=2, max_size=9), st.integers(1, 6))
def test_batching_changes_nothing(seed: int, lengths: list[int], states: int) -> None:
    likely, labels = draw(seed, lengths, states)
    together = find_best_paths(likely, labels)
    for i, path in enumerate(together):
        assert np.array_equal(path, find_best_paths(likely[i : i + 1], labels[i : i + 1])[0])


def test_no_chunks_give_no_paths() -> None:
    assert find_best_paths([], []) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=30))
def test_the_union_of_windows_agrees_with_intervals(windows: list[tuple[int, int]]) -> None:
    starts, lengths = np.array(windows, float).reshape(-1, 2).T / 4
    ends = starts + lengths
    assert list(cover(starts, ends)) == merge_spans(
        Span(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    )
