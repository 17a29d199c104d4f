"""Windows given anew: the likeliest way through each chunk, whatever other chunks are worked on beside it."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, merge_spans
from tasks.linking.nodes import covered
from tasks.linking.windows import CHANGE, best_ways


def drawn(seed: int, lengths: list[int], states: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, states)) for n in lengths], [rng.integers(0, 2, n) for n in lengths]


def odds(way: tuple[int, ...], likely: np.ndarray, labels: np.ndarray) -> float:
    """The log probability of a way, counted as it is defined."""
    total = float(likely[0, way[0]])
    for t in range(1, len(way)):
        free = labels[t] != labels[t - 1]
        stays = way[t] == way[t - 1]
        total += np.log(1 - CHANGE if stays or free else CHANGE / (likely.shape[1] - 1)) + likely[t, way[t]]
    return total


@given(st.integers(0, 10_000), st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(2, 3))
def test_no_way_is_likelier(seed: int, lengths: list[int], states: int) -> None:
    likely, labels = drawn(seed, lengths, states)
    for way, says, label in zip(best_ways(likely, labels), likely, labels, strict=True):
        best = max(odds(other, says, label) for other in product(range(states), repeat=len(way)))
        assert np.isclose(odds(tuple(way.tolist()), says, label), best)


@given(st.integers(0, 10_000), st.lists(st.integers(1, 40), min_size=2, max_size=9), st.integers(1, 6))
def test_chunks_beside_each_other_change_nothing(seed: int, lengths: list[int], states: int) -> None:
    likely, labels = drawn(seed, lengths, states)
    together = best_ways(likely, labels)
    for i, way in enumerate(together):
        assert np.array_equal(way, best_ways(likely[i : i + 1], labels[i : i + 1])[0])


def test_of_no_chunk_there_is_no_way() -> None:
    assert best_ways([], []) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=30))
def test_what_windows_cover_is_what_intervals_say(windows: list[tuple[int, int]]) -> None:
    starts, lengths = np.array(windows, float).reshape(-1, 2).T / 4
    ends = starts + lengths
    assert list(covered(starts, ends)) == merge_spans(
        Span(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    )
