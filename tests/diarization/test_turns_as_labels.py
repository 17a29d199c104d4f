"""A diarizer's own turns as labels of windows."""

import numpy as np

from tasks.diarization.turns import label_windows

WINDOWS = np.array([[0, 1.5], [0.75, 2.25], [5, 6.5]])


def test_a_window_belongs_to_who_fills_it_alone() -> None:
    assert label_windows(np.array([[0, 1.2, 2], [1.2, 3, 0]]), WINDOWS).tolist() == [2, 0, -1]


def test_a_window_that_two_share_belongs_to_nobody() -> None:
    assert label_windows(np.array([[0, 3, 0], [0.7, 3, 1]]), WINDOWS).tolist() == [-1, -1, -1]


def test_nobody_speaks() -> None:
    assert label_windows(np.zeros((0, 3)), WINDOWS).tolist() == [-1, -1, -1]
