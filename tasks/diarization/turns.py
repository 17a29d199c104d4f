"""A diarizer's own turns: smoothed; and as labels of windows, the form in which linking takes them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.intervals import Span, merge_spans
from tasks.tiling import Piece

Array = np.ndarray[Any, Any]

LEAST_SHARE = 0.25
"""Share of a window that a speaker's turns must cover to label it."""
BRIDGED_S = 0.3
"""Pauses of a speaker up to this are no end of a turn, as in the turns of linking."""
SHORTEST_S = 0.1
"""Shorter turns are left out: no word is so short."""


def smooth_turns(turns: Sequence[Piece], bridged_s: float = BRIDGED_S, shortest_s: float = SHORTEST_S) -> list[Piece]:
    """Turns (start, end, speaker), sorted, each speaker's own pauses bridged, and then short ones left out.

    Turns of different speakers may overlap. In this order (pyannote's `Binarize`), a word that flickers is one turn.

    >>> smooth_turns([(0.0, 1.0, 0), (1.2, 2.0, 0), (1.1, 1.15, 1)])
    [(0.0, 2.0, 0)]
    """
    spans: dict[int, list[Span]] = {}
    for start, end, speaker in turns:
        spans.setdefault(speaker, []).append(Span(start, end))
    return sorted(
        (span.start_s, span.end_s, speaker)
        for speaker, own in spans.items()
        for span in merge_spans(own, gap_s=bridged_s)
        if span.duration_s >= shortest_s
    )


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
