"""A diarizer's own turns, smoothed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.intervals import Span, merge_spans
from tasks.tiling import Piece

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
