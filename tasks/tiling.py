"""Speech tiled by labels of short windows: the border of two neighbouring windows is the middle of their overlap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.intervals import Span, merge_spans

Array = np.ndarray[Any, Any]

Piece = tuple[float, float, int]
"""(start_s, end_s, label)."""


def tile_speech(windows: Array, labels: Array, speech: Sequence[Span]) -> list[Piece]:
    """Tile `speech` exactly with pieces of one label each, from `windows` (N, 2), in seconds, and their N `labels`.

    The border between neighbouring windows of different labels is the middle of their overlap. A piece never crosses
    silence. Speech without a window takes the label of the nearest one.
    """
    if len(windows) != len(labels):
        raise ValueError(f"{len(windows)} windows, but {len(labels)} labels")
    if not len(windows):
        return []
    order = np.lexsort((windows[:, 1], windows[:, 0]))
    starts, ends, who = windows[order, 0], windows[order, 1], np.asarray(labels)[order].tolist()
    edges = ((starts[1:] + ends[:-1]) / 2).tolist()
    out: list[Piece] = []
    for span in merge_spans(speech):
        # Windows whose share of time, from one edge to the next, intersects this span.
        first = bisect_right(edges, span.start_s)
        last = bisect_left(edges, span.end_s)
        begin = span.start_s
        for i in range(first, last + 1):
            end = span.end_s if i == last else edges[i]
            if i < last and who[i + 1] == who[i]:
                continue
            if end > begin:
                out.append((begin, end, int(who[i])))
            begin = max(begin, end)
    return out
