"""Local speakers of overlapping windows -> tracks: one speaker's activity over neighbouring windows. Pure NumPy.

A segmentation model numbers its speakers anew in every window. Neighbouring windows share most of their frames, in
which one speaker's activity is nearly the same; so each window's speakers continue the tracks that they agree with
most, one to one, and others begin a track. A track ends where its speaker is silent for as long as windows reach: who
speaks in which track is left to embeddings (clustering, linking).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tasks.diarization.segmentation import FIELD_SAMPLES, STEP_SAMPLES
from tasks.intervals import Span
from tasks.records import SAMPLE_RATE_HZ

Array = np.ndarray[Any, Any]

AGREES = 0.5
"""Share of the lesser activity in the shared frames that a speaker and a track must have in common."""
LEAST_FRAMES = 12
"""Frames (0.2 s) of activity in common below which a speaker continues no track, and in all below which it begins
none."""
PRESENT_FRAMES = 30
"""Frames (0.5 s) of activity from which a window tells its speaker from the others there."""
SPEECH, OVERLAP = 0.7, 1.4
"""Mean number of speakers, over the windows that cover a frame, from which one speaks whatever the speech map says,
and from which two do."""
BRIDGED_S = 0.2
"""Pauses within a track up to this are no end of a turn."""
SHORTEST_S = 0.1
"""Shorter stretches are left out."""


def stitch(activity: Array, firsts: Array) -> tuple[Array, Array, Array]:
    """Tracks of the windows' speakers: (K, N) weights in each frame; (N,) the mean number of speakers; and (K, K) the
    number of windows that tell two tracks apart.

    `activity` (W, F, S): probability that each of a window's speakers speaks, by frame. `firsts` (W,): the first
    frame of each window, increasing.
    """
    from scipy.optimize import linear_sum_assignment

    windows, length, _ = activity.shape
    frames = int(firsts[-1]) + length if windows else 0
    covered, speakers = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    tracks: list[Array] = []
    begins: list[int] = []
    live: list[int] = []
    last: list[int] = []
    together: Counter[tuple[int, int]] = Counter()
    for found, first in zip(activity.astype(np.float32), firsts.tolist(), strict=True):
        here = slice(first, first + length)
        live = [k for k in live if last[k] > first]
        shared, seen = covered[here] > 0, np.maximum(covered[here], 1.0)
        known = np.array([_cut_track(tracks[k], begins[k], first, length) / seen for k in live]).reshape(-1, length)
        speaks, spoke = (found > 0.5)[shared].T.astype(np.float32), (known > 0.5)[:, shared].astype(np.float32)
        common = speaks @ spoke.T
        enough = np.minimum(speaks.sum(1)[:, None], spoke.sum(1)[None])
        agree = np.where((common >= LEAST_FRAMES) & (common >= AGREES * enough), common, 0.0)
        rows, columns = linear_sum_assignment(-agree)
        continues = {r: live[c] for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if agree[r, c] > 0}
        present = []
        for row in range(found.shape[1]):
            own = found[:, row]
            track = continues.get(row)
            if track is None:
                if (own > 0.5).sum() < LEAST_FRAMES:
                    continue
                track = len(tracks)
                tracks.append(np.zeros(0, np.float32))
                begins.append(first)
                last.append(0)
                live.append(track)
            tracks[track] = _add_activity(tracks[track], begins[track], own, first)
            last[track] = max(last[track], first + int(np.flatnonzero(own > 0.5).max(initial=-1)) + 1)
            if (own > 0.5).sum() >= PRESENT_FRAMES:
                present.append(track)
        together.update((min(a, b), max(a, b)) for a, b in combinations(present, 2))
        covered[here] += 1
        speakers[here] += found.sum(1)
    apart = np.zeros((len(tracks), len(tracks)), np.int64)
    for (one, other), times in together.items():
        apart[one, other] = apart[other, one] = times
    out = np.zeros((len(tracks), frames), np.float32)
    for row, (track, begin) in enumerate(zip(tracks, begins, strict=True)):
        out[row, begin : begin + len(track)] = track
    seen = np.maximum(covered, 1.0)
    return out / seen, speakers / seen, apart


def _cut_track(track: Array, begin: int, first: int, length: int) -> Array:
    out = np.zeros(length, np.float32)
    piece = track[max(0, first - begin) : first - begin + length]
    at = max(0, begin - first)
    out[at : at + len(piece)] = piece
    return out


def _add_activity(track: Array, begin: int, own: Array, first: int) -> Array:
    end = first - begin + len(own)
    if end > len(track):
        track = np.concatenate([track, np.zeros(end - len(track), np.float32)])
    track[first - begin : end] += own
    return track


def select_speakers(tracks: Array, speakers: Array, speech: Sequence[Span]) -> Array:
    """(K, N) bool: the tracks that speak in each frame: one in `speech`, two where the mean number of `speakers` (N,)
    says so.

    Speech in which no track has any weight is the nearest track's.
    """
    active = np.zeros(tracks.shape, bool)
    if not len(tracks):
        return active
    count = (speakers >= SPEECH).astype(int)
    for span in speech:
        count[_find_frame(span.start_s) : _find_frame(span.end_s)] = 1
    count[speakers >= OVERLAP] = 2
    ranked = np.argsort(-tracks, axis=0, kind="stable")[:2]
    frames = np.arange(tracks.shape[1])
    known = np.flatnonzero(tracks[ranked[0], frames] > 0)
    if not len(known):
        return active
    ranked[0] = ranked[0][_find_nearest(known, frames)]
    for rank, row in enumerate(ranked):
        chosen = (count > rank) & ((rank == 0) | (tracks[row, frames] > 0))
        active[row[chosen], frames[chosen]] = True
    return active


def _find_frame(time_s: float) -> int:
    """The frame whose middle is nearest."""
    return max(0, round((time_s * SAMPLE_RATE_HZ - FIELD_SAMPLES / 2) / STEP_SAMPLES))


def _find_nearest(known: Array, frames: Array) -> Array:
    """The nearest of the sorted `known` frames to each of `frames`."""
    after = np.searchsorted(known, frames).clip(max=len(known) - 1)
    before = (after - 1).clip(min=0)
    out: Array = np.where(frames - known[before] <= known[after] - frames, known[before], known[after])
    return out


def list_spans(active: Array, bridged_s: float = BRIDGED_S, shortest_s: float = SHORTEST_S) -> list[Span]:
    """Spans, in seconds, of a track's active frames (N,)."""
    edges = np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))
    offset = (FIELD_SAMPLES - STEP_SAMPLES) / 2
    out: list[Span] = []
    for a, b in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        start, end = ((offset + k * STEP_SAMPLES) / SAMPLE_RATE_HZ for k in (a, b))
        if out and start - out[-1].end_s <= bridged_s:
            out[-1] = Span(out[-1].start_s, end)
        else:
            out.append(Span(start, end))
    return [s for s in out if s.duration_s >= shortest_s]
