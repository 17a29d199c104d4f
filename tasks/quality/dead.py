"""Stretches in which a microphone seems dead: silence that is deeper than the room's own. Pure.

A pause in a live room keeps its noise; a cable that was pulled, an empty battery or a muted input takes it away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.intervals import Span
from tasks.quality.clipping import STEP_S
from tasks.quality.sound import Flags, Floats, TrackSound, is_inside

BLOCK_STEPS = 20
"""Half seconds that are looked at together: 10 s."""
DEAD_DBFS = -60.0
"""The median level of a block that may be dead is at most this."""
LEAST_S = 300.0
FLOOR_PERCENTILE, BELOW_FLOOR_DB = 10, 6.0
"""So far below the lowest tenth of the rest of the recording lies nine tenths of a dead stretch."""
LOUDEST_PERCENTILE = 90
LEAST_REST_S = 30.0
BESIDE_DB = 3.0
"""Half seconds beside the blocks of a dead stretch that are at most so much louder belong to it."""
DEAD_ALONE_DBFS = -70.0
"""At most this is the level of a recording that is dead from its start to its end: there is no rest to compare."""


def find_dead(track: TrackSound) -> list[tuple[Span, float]]:
    """Find (stretch, its median level in dBFS), each of at least 5 minutes and without speech."""
    levels = track.level_db
    quiet = _find_quiet(levels, is_inside(track.at_s, track.speech))
    rest = levels[~quiet]
    if len(rest) * STEP_S < LEAST_REST_S:
        most = DEAD_ALONE_DBFS
    else:
        most = float(np.percentile(rest, FLOOR_PERCENTILE)) - BELOW_FLOOR_DB
    found = []
    for first, last in _find_runs(quiet):
        own = levels[first:last]
        loudest = np.percentile(own, LOUDEST_PERCENTILE)
        if len(own) * STEP_S >= LEAST_S and loudest <= most:
            first, last = _extend(levels <= loudest + BESIDE_DB, first, last)
            found.append((Span(first * STEP_S, last * STEP_S), float(np.median(own))))
    return found


def find_longest(dead: Sequence[tuple[Span, float]], hour: Span) -> tuple[Span, float] | None:
    """The longest part of dead stretches that lies in an hour, with its level; None without one."""
    parts = [(span & hour, level) for span, level in dead if span & hour]
    return max(parts, key=lambda part: part[0].duration_s, default=None)


def _find_quiet(levels: Floats, speech: Flags) -> Flags:
    """Mark the half seconds of blocks that are quiet and have no speech."""
    quiet = np.zeros(len(levels), np.bool_)
    for first in range(0, len(levels), BLOCK_STEPS):
        own = slice(first, first + BLOCK_STEPS)
        quiet[own] = bool(np.median(levels[own]) <= DEAD_DBFS) and not speech[own].any()
    return quiet


def _extend(like: Flags, first: int, last: int) -> tuple[int, int]:
    """The run of set flags around `first` up to `last`, no more than a block on either side."""
    before, after = like[max(0, first - BLOCK_STEPS) : first][::-1], like[last : last + BLOCK_STEPS]
    return first - int(np.cumprod(before).sum()), last + int(np.cumprod(after).sum())


def _find_runs(flags: Flags) -> list[tuple[int, int]]:
    """(first, behind the last) of each run of set flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
