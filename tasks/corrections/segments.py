"""Build segments anew where words, speakers or borders have changed; all others stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from tasks.records import Segment, Word
from tasks.segments import make_segment


def rebuild_segments(
    segments: Sequence[Segment], words: Sequence[Word], touched: Collection[int]
) -> tuple[list[Word], list[Segment]]:
    """Rebuild the segments `touched` (by index) from their words, sorted by start; those without words go.

    A word of another speaker or channel than the one before it in its segment begins another segment. Returns
    words and segments with indexes that are unique, not yet in order.
    """
    kept = [s for s in segments if s.index not in touched]
    next_index = 1 + max([-1, *(s.index for s in segments), *touched])
    out = list(words)
    groups: dict[int, list[int]] = {}
    for place, word in enumerate(words):
        if word.segment in touched:
            groups.setdefault(word.segment, []).append(place)
    made: list[Segment] = []
    for places in groups.values():
        for run in _split_by_speaker(words, places):
            for place in run:
                out[place] = replace(words[place], segment=next_index)
            made.append(make_segment(next_index, [words[i] for i in run]))
            next_index += 1
    return out, kept + made


def _split_by_speaker(words: Sequence[Word], places: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for place in places:
        before = words[runs[-1][-1]] if runs else None
        if before and (before.speaker, before.channel) == (words[place].speaker, words[place].channel):
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs
