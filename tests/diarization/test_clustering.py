"""NeMo's clustering, called directly, on clouds of points of known number."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.diarization.clustering import Clustering, load


@pytest.fixture(scope="module")
def clustering() -> Clustering:
    return load()


def clouds(counts: list[int], spread: float = 0.35, seed: int = 0) -> tuple[NDArray[np.float32], list[int]]:
    """Unit vectors around len(counts) random directions in 64 dimensions, and which is whose."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(len(counts), 64))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    whose = [k for k, n in enumerate(counts) for _ in range(n)]
    points = centres[whose] + rng.normal(size=(len(whose), 64)) * spread / 8
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32), whose


def times(count: int) -> NDArray[np.float64]:
    starts = np.arange(count) * 0.75
    return np.stack([starts, starts + 1.5], axis=1)


@pytest.mark.parametrize("speakers", [1, 2, 4])
def test_clouds_are_told_apart_and_counted(clustering: Clustering, speakers: int) -> None:
    points, whose = clouds([60] * speakers)
    assert clustering.cluster(points, times(len(points))).tolist() == whose


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7, 12])
def test_few_windows_are_no_trouble(clustering: Clustering, count: int) -> None:
    points, _ = clouds([count] if count else [], seed=count)
    points = points.reshape(count, 64)
    labels = clustering.cluster(points, times(count))
    assert labels.shape == (count,)
    assert labels.dtype == np.int64
    if count:
        assert labels[0] == 0
        assert set(labels.tolist()) == set(range(labels.max() + 1))


def test_the_same_windows_over_and_over_are_one_voice(clustering: Clustering) -> None:
    point = clouds([1])[0]
    assert clustering.cluster(np.repeat(point, 30, axis=0), times(30)).tolist() == [0] * 30


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_a_known_number_is_kept_as_far_as_there_are_windows(clustering: Clustering, count: int) -> None:
    points, _ = clouds([count, count])
    labels = clustering.cluster(points[:count], times(count), oracle=3)
    assert len(set(labels.tolist())) <= min(3, count)


def test_the_answer_is_always_the_same_and_leaves_the_dice_alone(clustering: Clustering) -> None:
    import torch

    points, _ = clouds([20, 15, 4], spread=1.2)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = clustering.cluster(points, times(39))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert np.array_equal(clustering.cluster(points, times(39)), first)


def test_no_more_voices_than_allowed(clustering: Clustering) -> None:
    points, _ = clouds([30] * 5)
    assert clustering.cluster(points, times(150), max_speakers=3).max() <= 2
