"""Which words an aligner is asked about, and its answer put in: the words whose times were shared out by length.

Pure but for `ask`, which calls the engine: `ask("align", samples, stretches, texts, language)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.alignment.place import place_words
from tasks.intervals import Span
from tasks.records import SAMPLE_RATE_HZ, WordTimes

PAD_S = 0.3
"""Seconds of sound on both sides of a run of words, where no other word is: its first and last word may begin and end
there."""


class Placed(Protocol):
    """A word with its times: of `tasks.records` or of a step."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def text(self) -> str: ...
    @property
    def confidence(self) -> float | None: ...
    @property
    def times(self) -> WordTimes: ...


P = TypeVar("P", bound=Placed)


def align_words(
    words: Sequence[P],
    samples: NDArray[np.float32],
    language: str | None,
    ask: Callable[..., Any],
    longest_s: float | None = None,
) -> list[P]:
    """Put an aligner's times in for those of `words`, sorted by time, that have none of their own.

    Times are seconds from the start of 16 kHz mono `samples`. At most `longest_s` of sound are aligned at once. A
    word that the aligner does not find keeps a share of the time between its neighbours (fast). Where a word had no
    confidence, it has the aligner's.
    """
    runs = [run for found in find_runs(words) for run in split_run(words, found, longest_s)]
    if not runs:
        return list(words)
    stretches = [_pad_run(words, run, len(samples) / SAMPLE_RATE_HZ, longest_s) for run in runs]
    texts = [[words[i].text for i in run] for run in runs]
    answers = ask("align", samples, [(s.start_s, s.end_s) for s in stretches], texts, language)
    out = list(words)
    for run, stretch, said, answer in zip(runs, stretches, texts, answers, strict=True):
        found = [row if row is not None and row[1] > row[0] else None for row in answer]
        if not any(found):
            continue
        times = [(None, None) if row is None else (row[0], row[1]) for row in found]
        for i, row, (span, way) in zip(run, found, place_words(times, said, stretch, "aligned"), strict=True):
            sure = words[i].confidence if row is None or words[i].confidence is not None else row[2]
            # Typed records are frozen dataclasses, which a protocol can't say.
            out[i] = replace(words[i], start_s=span.start_s, end_s=span.end_s, times=way, confidence=sure)  # type: ignore[type-var]
    return out


def find_runs(words: Sequence[Placed]) -> list[range]:
    """Indices of words that stand together and whose times were shared out by length."""
    fast = [False, *(word.times == "fast" for word in words), False]
    starts = [i for i, (before, here) in enumerate(pairwise(fast)) if here and not before]
    ends = [i for i, (before, here) in enumerate(pairwise(fast)) if before and not here]
    return [range(a, b) for a, b in zip(starts, ends, strict=True)]


def split_run(words: Sequence[Placed], run: range, longest_s: float | None) -> list[range]:
    """Split a run at its longest pauses into runs of at most `longest_s`, with the room around; a word stays one."""
    room = words[run[-1]].end_s - words[run[0]].start_s + 2 * PAD_S
    if longest_s is None or len(run) == 1 or room <= longest_s:
        return [run]
    middle = (words[run[0]].start_s + words[run[-1]].end_s) / 2

    def measure_pause(i: int) -> tuple[float, float]:
        # Of equal pauses (none, where times tile a span) the one nearest to the middle.
        return round(words[i].start_s - words[i - 1].end_s, 3), -abs(words[i].start_s - middle)

    cut = max(run[1:], key=measure_pause)
    return [*split_run(words, range(run.start, cut), longest_s), *split_run(words, range(cut, run.stop), longest_s)]


def _pad_run(words: Sequence[Placed], run: range, duration_s: float, longest_s: float | None) -> Span:
    """The sound of a run, up to the words beside it and the ends of the sound."""
    left = words[run.start - 1].end_s if run.start else 0.0
    right = words[run.stop].start_s if run.stop < len(words) else duration_s
    start, end = words[run[0]].start_s, min(words[run[-1]].end_s, duration_s)
    span = Span(max(min(left, start), start - PAD_S), min(max(right, end), end + PAD_S))
    return span if longest_s is None else Span(span.start_s, min(span.end_s, span.start_s + longest_s))
