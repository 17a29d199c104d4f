"""Cutting a recording into chunks: where nobody speaks, if there is such a place."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.audio.speech_map import ENERGY_STEP_S
from tasks.intervals import Span, merge_spans, subtract
from tasks.records import Chunk
from tasks.settings.schema import ChunkingSettings

_STUB_S = 60.0
"""A last core shorter than this is avoided where the range of lengths allows it."""


def plan(
    duration_s: float,
    speech: Sequence[Span],
    energy_db: npt.NDArray[np.float16] | None,
    settings: ChunkingSettings,
) -> list[Chunk]:
    """Chunks whose cores tile [0, duration_s]; their spans add half the overlap on each side.

    Every core is `min_minutes` to `max_minutes` long, but the last, which may be shorter; up to `max_minutes`
    there is one. Between cores lies the middle of the longest silence of that range, else its quietest
    half second (`energy_db`: one level per 0.5 s), else `max_minutes` exactly.
    """
    speech = merge_spans(speech)
    borders = _borders(duration_s, speech, energy_db, settings.min_minutes * 60, settings.max_minutes * 60)
    whole, half = Span(0.0, duration_s), settings.overlap_s / 2
    chunks = []
    for index, (start, end) in enumerate(itertools.pairwise(borders)):
        core = Span(start, end)
        span = core.grow(half) & whole
        chunks.append(Chunk(index, span, core, speech_in(speech, span)))
    return chunks


def speech_in(speech: Sequence[Span], span: Span) -> tuple[Span, ...]:
    """The parts of tidy `speech` within `span`. By bisection: a day has tens of thousands of spans."""
    first = bisect_right(speech, span.start_s, key=lambda s: s.end_s)
    last = bisect_left(speech, span.end_s, key=lambda s: s.start_s)
    return tuple(s & span for s in speech[first:last])


def _borders(
    duration_s: float,
    speech: Sequence[Span],
    energy_db: npt.NDArray[np.float16] | None,
    shortest_s: float,
    longest_s: float,
) -> list[float]:
    silences = subtract([Span(0.0, duration_s)], speech)
    borders, first = [0.0], 0
    while duration_s - borders[-1] > longest_s:
        earliest, latest = borders[-1] + shortest_s, borders[-1] + longest_s
        if earliest <= duration_s - _STUB_S < latest:
            latest = duration_s - _STUB_S
        while first < len(silences) and silences[first].end_s <= earliest:
            first += 1
        borders.append(_cut(Span(earliest, latest), silences, first, energy_db))
    return [*borders, duration_s]


def _cut(within: Span, silences: Sequence[Span], first: int, energy_db: npt.NDArray[np.float16] | None) -> float:
    """The best place for a border; `first` is the first silence that ends after `within` begins."""
    longest = Span(0.0, 0.0)
    for silence in silences[first:]:
        if silence.start_s >= within.end_s:
            break
        part = silence & within
        if part.duration_s > longest.duration_s:
            longest = part
    if longest:
        return longest.middle_s
    if energy_db is not None:
        low = int(np.ceil(within.start_s / ENERGY_STEP_S))
        levels = energy_db[low : int(within.end_s / ENERGY_STEP_S)]
        if len(levels):
            quietest = Span(0.0, ENERGY_STEP_S).shift((low + int(np.argmin(levels))) * ENERGY_STEP_S)
            return quietest.middle_s
    return within.end_s
