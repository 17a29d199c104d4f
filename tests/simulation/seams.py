"""A day's seams alone: talk around the borders of its chunks, as chunks hear it, and the simplest way to join that.

What lies further off concerns no seam; so many days can be tried in the time of one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tasks.intervals import Span, clip, merge_spans
from tasks.records import Chunk, Turn, Word
from tests.simulation.recogniser import SeamErrors, chunk_words, reference_words, seam_errors

SEAMS_A_DAY = 115
"""24 hours in chunks of 10–15 minutes."""
AROUND_S = 40.0
"""Talk on each side of a border, seconds: the 15 s that both chunks hear, and some more."""
INTERRUPTS = 0.2
"""Share of the turns that begin before the last one is over."""


def around_seams(rng: np.random.Generator, seams: int, *, pauses: bool) -> tuple[list[Chunk], list[Word]]:
    """Chunks of 10–15 minutes, overlapping by 30 s, and what four people say around their borders."""
    borders = [0.0, *np.cumsum(rng.uniform(600, 900, seams + 1)).tolist()]
    turns = []
    for border in borders[1:-1]:
        at = border - AROUND_S
        while at < border + AROUND_S:
            length = float(rng.gamma(2.0, 4.0)) + 0.5
            turns.append(Turn(at, at + length, f"SPEAKER_0{rng.integers(4)}"))
            at += length - (0.6 if rng.random() < INTERRUPTS else 0.0)
            at += float(rng.exponential(0.6)) if pauses else 0.05
    turns.sort(key=lambda t: t.start_s)
    speech = merge_spans((t.span for t in turns), 0.3)
    whole = Span(0.0, borders[-1])
    chunks = []
    for i, core in enumerate(itertools.starmap(Span, itertools.pairwise(borders))):
        span = core.grow(15.0) & whole
        chunks.append(Chunk(i, span, core, tuple(clip(speech, span))))
    return chunks, reference_words(turns, rng)


def errors_of_days(
    join: Callable[[Sequence[Chunk], Sequence[Sequence[Word]]], Sequence[Word]], seeds: Iterable[int], *, pauses: bool
) -> SeamErrors:
    """What `join` costs on the seams of one day for each of the `seeds`, summed. Counts words beside seams only."""
    total = SeamErrors()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        chunks, words = around_seams(rng, SEAMS_A_DAY, pauses=pauses)
        total += seam_errors(words, join(chunks, chunk_words(words, chunks, rng)), chunks)
    return total


def split_at_the_boundary(chunks: Sequence[Chunk], words: Sequence[Sequence[Word]]) -> list[Word]:
    """The simplest way: every chunk tells the words whose middles lie in its core."""
    return [w for chunk, own in zip(chunks, words, strict=True) for w in own if w.middle_s in chunk.core]
