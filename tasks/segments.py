"""A segment made from its words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from tasks.joining import join_words
from tasks.records import Segment, Word


def make_segment(index: int, words: Sequence[Word]) -> Segment:
    """Make the segment of these words, which are sorted by start; there is at least one."""
    return Segment(
        index=index,
        start_s=words[0].start_s,
        end_s=max(w.end_s for w in words),
        text=join_words(words),
        num_words=len(words),
        speaker=words[0].speaker,
        channel=words[0].channel,
        confidence=_average([w.confidence for w in words]),
        speaker_confidence=_average([w.speaker_confidence for w in words]),
        has_overlap=any(w.is_overlap for w in words),
    )


def _average(values: Sequence[float | None]) -> float | None:
    """Mean of the known values; None without any."""
    known = [v for v in values if v is not None]
    return fmean(known) if known else None
