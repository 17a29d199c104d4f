"""Share the time of a span out over words by their length: what is left where nothing tells when a word is said.

Pure. A word's share is its number of spoken characters: within one language, the duration of a word grows nearly
linearly with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from tasks.intervals import Span, clip

ROUNDING_S = 1e-6
"""Seconds: a border of two words so near to a pause is at the pause."""


def share_time(span: Span, texts: Sequence[str], speech: Sequence[Span] = ()) -> list[Span]:
    """Spans of words in their order, each as long as its share of the characters spoken, that fill `span`; or the
    `speech` in it, where there is any: no word begins or ends in a pause, but one may last over it.

    None is empty unless `span` is. A text without a letter or digit counts as one character.

    >>> [(s.start_s, s.end_s) for s in share_time(Span(1.0, 4.0), ["so", "good"])]
    [(1.0, 2.0), (2.0, 4.0)]
    """
    if not texts:
        return []
    room = clip(speech, span) or [Span(span.start_s, max(span.start_s, span.end_s))]
    total = sum(piece.duration_s for piece in room)
    done = [0, *accumulate(count_spoken(text) for text in texts)]
    offsets = [total * (count / done[-1]) for count in done]
    return [
        Span(_find_start(room, start) if i else room[0].start_s, _find_end(room, end))
        for i, (start, end) in enumerate(pairwise(offsets))
    ]


def _find_start(room: Sequence[Span], offset_s: float) -> float:
    """The time after `offset_s` of the room; of two at a pause the later."""
    for piece in room[:-1]:
        if offset_s < piece.duration_s - ROUNDING_S:
            return piece.start_s + max(0.0, offset_s)
        offset_s -= piece.duration_s
    return min(room[-1].start_s + max(0.0, offset_s), room[-1].end_s)


def _find_end(room: Sequence[Span], offset_s: float) -> float:
    """The time after `offset_s` of the room; of two at a pause the earlier."""
    for piece in room[:-1]:
        if offset_s <= piece.duration_s + ROUNDING_S:
            return min(piece.start_s + offset_s, piece.end_s)
        offset_s -= piece.duration_s
    return min(room[-1].start_s + offset_s, room[-1].end_s)


def count_spoken(text: str) -> int:
    """Number of letters and digits of a word, at least 1.

    >>> [count_spoken(text) for text in ("don't", "...")]
    [4, 1]
    """
    return max(1, sum(char.isalnum() for char in text))
