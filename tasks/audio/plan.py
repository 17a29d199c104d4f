"""Plan the chunks of a recording: cut in silence where there is any."""

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

_MIN_LAST_CORE_S = 60.0
"""A shorter last core is avoided where the range of lengths allows it."""


def plan(
    duration_s: float,
    speech: Sequence[Span],
    energy_db: npt.NDArray[np.float16] | None,
    settings: ChunkingSettings,
) -> list[Chunk]:
    """Plan chunks whose cores tile [0, duration_s]; their spans add half the overlap on each side.

    Every core is `min_minutes` to `max_minutes` long, except the last, which may be shorter; a recording of up to
    `max_minutes` is one chunk. A border is the middle of the longest silence in that range, else of its quietest
    half second (`energy_db`: one level per 0.5 s), else its end.
    """
    speech = merge_spans(speech)
    borders = _choose_borders(duration_s, speech, energy_db, settings.min_minutes * 60, settings.max_minutes * 60)
    whole, half = Span(0.0, duration_s), settings.overlap_s / 2
    chunks = []
    for index, (start, end) in enumerate(itertools.pairwise(borders)):
        core = Span(start, end)
        span = core.grow(half) & whole
        chunks.append(Chunk(index, span, core, select_speech(speech, span)))
    return chunks


def select_speech(speech: Sequence[Span], span: Span) -> tuple[Span, ...]:
    """Select the parts of merged `speech` within `span`. By bisection: a day has tens of thousands of spans."""
    first = bisect_right(speech, span.start_s, key=lambda s: s.end_s)
    last = bisect_left(speech, span.end_s, key=lambda s: s.start_s)
    return tuple(s & span for s in speech[first:last])


def _choose_borders(
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
        if earliest <= duration_s - _MIN_LAST_CORE_S < latest:
            latest = duration_s - _MIN_LAST_CORE_S
        while first < len(silences) and silences[first].end_s <= earliest:
            first += 1
        borders.append(_choose_border(Span(earliest, latest), silences, first, energy_db))
    return [*borders, duration_s]


def _choose_border(
    within: Span, silences: Sequence[Span], first: int, energy_db: npt.NDArray[np.float16] | None
) -> float:
    """Choose the best border in `within`; `first`: index of the first silence that ends after its start."""
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
