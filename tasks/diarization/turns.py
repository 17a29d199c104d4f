"""Turns of one chunk from its windows' labels.

Pure. Times are seconds from the start of the samples; speakers are the chunk's own: "0", "1", … in order of
first appearance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, tidy
from tasks.records import Turn


def turns(
    windows: NDArray[np.float64], labels: Sequence[int] | NDArray[np.integer], speech: Sequence[Span]
) -> list[Turn]:
    """Who speaks when: `windows` (N, 2) with their N `labels` -> turns that cover `speech` and nothing else.

    Neighbouring windows with different labels part in the middle of what they share. A turn never crosses
    silence. Speech without a window takes the label of the nearest one.
    """
    if len(windows) != len(labels):
        raise ValueError(f"{len(windows)} windows, but {len(labels)} labels")
    if not len(windows):
        return []
    order = np.lexsort((windows[:, 1], windows[:, 0]))
    starts, ends = windows[order, 0], windows[order, 1]
    names = _by_appearance([int(labels[i]) for i in order])
    edges = (starts[1:] + ends[:-1]) / 2
    out: list[Turn] = []
    for span in tidy(speech):
        # Windows whose own place, from one edge to the next, has something in this span.
        first = int(np.searchsorted(edges, span.start_s, side="right"))
        last = int(np.searchsorted(edges, span.end_s, side="left"))
        begin = span.start_s
        for i in range(first, last + 1):
            end = span.end_s if i == last else float(edges[i])
            if i < last and names[i + 1] == names[i]:
                continue
            if end > begin:
                out.append(Turn(begin, end, names[i]))
            begin = end
    return out


def smoothed(
    windows: NDArray[np.float64], labels: Sequence[int] | NDArray[np.integer], least_s: float
) -> NDArray[np.int64]:
    """The labels without flips: a run of windows that differs from the equal labels on both its sides, within
    one stretch of speech, and whose own place is shorter than `least_s`, takes the label of its sides.
    """
    out = np.array(labels, dtype=np.int64)
    joined = [windows[i, 0] <= windows[i - 1, 1] for i in range(1, len(out))]
    i = 1
    while i < len(out):
        j = i
        while j < len(out) and out[j] == out[i]:
            j += 1
        inside = j < len(out) and all(joined[i - 1 : j])
        if inside and out[i - 1] == out[j] != out[i]:
            place = (windows[j, 0] + windows[j - 1, 1]) / 2 - (windows[i, 0] + windows[i - 1, 1]) / 2
            if place < least_s:
                out[i:j] = out[j]
        i = j
    return out


def labels_of(turns: Sequence[Turn], windows: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each window the local speaker (a number) whose turns cover most of it; −1 where nobody speaks.

    How a diarizer that gives turns, not labels, is told to linking.
    """
    covered = np.zeros((len(windows), 1 + max((int(t.speaker) for t in turns), default=-1)))
    for turn in turns:
        shared = np.minimum(windows[:, 1], turn.end_s) - np.maximum(windows[:, 0], turn.start_s)
        covered[:, int(turn.speaker)] += np.maximum(shared, 0.0)
    if not covered.shape[1]:
        return np.full(len(windows), -1, np.int64)
    return np.where(covered.max(axis=1) > 0, covered.argmax(axis=1), -1).astype(np.int64)


def _by_appearance(labels: Sequence[int]) -> list[str]:
    names: dict[int, str] = {}
    return [names.setdefault(label, str(len(names))) for label in labels]
