"""Share the time of a span out over words by their length: what is left where nothing tells when a word is said.

Pure. A word's share is its number of spoken characters: within one language, the duration of a word grows nearly
linearly with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from tasks.intervals import Span


def share_time(span: Span, texts: Sequence[str]) -> list[Span]:
    """Spans of words that tile `span` in their order, each as long as its share of the characters spoken.

    None is empty unless `span` is. A text without a letter or digit counts as one character.

    >>> [(s.start_s, s.end_s) for s in share_time(Span(1.0, 4.0), ["so", "good"])]
    [(1.0, 2.0), (2.0, 4.0)]
    """
    if not texts:
        return []
    done = [0, *accumulate(count_spoken(text) for text in texts)]
    edges = [span.start_s + span.duration_s * (count / done[-1]) for count in done[:-1]] + [
        max(span.start_s, span.end_s)
    ]
    return [Span(start, end) for start, end in pairwise(edges)]


def count_spoken(text: str) -> int:
    """Number of letters and digits of a word, at least 1.

    >>> [count_spoken(text) for text in ("don't", "...")]
    [4, 1]
    """
    return max(1, sum(char.isalnum() for char in text))
