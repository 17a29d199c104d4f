"""Labels of windows from a diarizer's own turns, the form in which linking takes them. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LEAST_SHARE = 0.25
"""Share of a window that a speaker's turns must cover to label it."""


def label_windows(turns: Array, windows: Array) -> Array:
    """(N,) for `windows` (N, 2) seconds: the local speaker whose `turns` (T, 3: start, end, speaker) fill a window
    alone for the longest; −1 where nobody speaks, or two do for most of it: its embedding would mix two voices."""
    out = np.full(len(windows), -1, np.int64)
    count = int(turns[:, 2].max(initial=-1)) + 1
    for i, (start, end) in enumerate(windows):
        seconds = np.zeros(count)
        common = np.minimum(turns[:, 1], end) - np.maximum(turns[:, 0], start)
        np.add.at(seconds, turns[:, 2].astype(np.int64), np.maximum(common, 0.0))
        most = seconds.max(initial=0.0)
        if most > LEAST_SHARE * (end - start) and seconds.sum() - most < 0.5 * most:
            out[i] = int(seconds.argmax())
    return out
