"""Levels, noise and clipping of spans of a recording, from what other steps measured every half second. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, merge_spans
from tasks.quality.clipping import STEP_S

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAST_STEPS = 10
"""Half seconds between speech from which the noise floor is measured; with fewer, from all."""
BESIDE_S = 0.25
"""Seconds beside speech that do not count as sound between it."""
NOISE_PERCENTILE = 10
NOISE_PERCENTILE_OF_ALL = 5
"""Where hardly anything lies between speech: its own pauses are the lowest of it."""


@dataclass(frozen=True, eq=False, slots=True)
class TrackSound:
    """The sound of all channels mixed (`channel` None), or of one.

    `level_db` (n,): the level of every half second as recorded, in dBFS. `clipped_at_s`, `clipped_share` (m,): the
    middle of half seconds in chunks with speech, and the share of their samples that is clipped.
    """

    channel: int | None
    level_db: Floats
    speech: tuple[Span, ...]
    clipped_at_s: Floats
    clipped_share: Floats

    @property
    def at_s(self) -> Floats:
        """The middle of each half second of `level_db`."""
        return compute_middles(len(self.level_db))


def compute_middles(count: int, start_s: float = 0.0) -> Floats:
    """The middle of each of so many half seconds."""
    return np.asarray(start_s + (np.arange(count) + 0.5) * STEP_S, np.float64)


def mix_tracks(tracks: Sequence[TrackSound]) -> TrackSound:
    """All tracks as one: the loudest level of each half second."""
    if len(tracks) == 1:
        return tracks[0]
    size = min(len(t.level_db) for t in tracks)
    return TrackSound(
        None,
        np.maximum.reduce([t.level_db[:size] for t in tracks]),
        tuple(merge_spans(s for t in tracks for s in t.speech)),
        np.concatenate([t.clipped_at_s for t in tracks]),
        np.concatenate([t.clipped_share for t in tracks]),
    )


def measure_noise(track: TrackSound, hour: Span, dead: Sequence[Span]) -> float | None:
    """The noise floor in dBFS: a low percentile of the sound between speech, without what is dead."""
    at_s, own = track.at_s, slice_hour(track.at_s, hour)
    live = ~is_inside(at_s[own], dead)
    between = live & ~is_inside(at_s[own], merge_spans(s.grow(BESIDE_S) for s in track.speech))
    levels = track.level_db[own]
    if between.sum() >= LEAST_STEPS:
        return float(np.percentile(levels[between], NOISE_PERCENTILE))
    return float(np.percentile(levels[live], NOISE_PERCENTILE_OF_ALL)) if live.any() else None


def measure_speech(track: TrackSound, hour: Span, spoken: Sequence[Span]) -> tuple[float | None, float | None]:
    """(median level in dBFS, share of clipped samples) of the half seconds whose middle is in `spoken`."""
    own = slice_hour(track.at_s, hour)
    loud = track.level_db[own][is_inside(track.at_s[own], spoken)]
    near = (track.clipped_at_s >= hour.start_s) & (track.clipped_at_s < hour.end_s)
    shares = track.clipped_share[near][is_inside(track.clipped_at_s[near], spoken)]
    return float(np.median(loud)) if len(loud) else None, float(shares.mean()) if len(shares) else None


def slice_hour(at_s: Floats, hour: Span) -> slice:
    """The places of sorted times that lie in an hour."""
    first, last = np.searchsorted(at_s, [hour.start_s, hour.end_s])
    return slice(int(first), int(last))


def is_inside(at_s: Floats, merged: Sequence[Span]) -> Flags:
    """Whether each time lies in one of the spans, which are sorted and disjoint."""
    if not merged or not len(at_s):
        return np.zeros(len(at_s), np.bool_)
    rows: NDArray[Any] = np.array([(s.start_s, s.end_s) for s in merged], np.float64)
    place = np.searchsorted(rows[:, 1], at_s, side="right")
    found: Flags = (place < len(rows)) & (rows[np.minimum(place, len(rows) - 1), 0] <= at_s)
    return found
