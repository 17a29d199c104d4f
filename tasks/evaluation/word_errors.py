"""Word errors of one stream: the Levenshtein distance, for machines without MeetEval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class WordErrors(NamedTuple):
    """Errors of an alignment with the fewest, and of those with the fewest substitutions."""

    insertions: int
    deletions: int
    substitutions: int

    @property
    def total(self) -> int:
        return sum(self)


def count_word_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> WordErrors:
    """Compare two sequences of words, row by row of the table of distances: O(n · m) time, O(m) memory.

    >>> count_word_errors("the cat sat on the mat".split(), "a cat sat on mat today".split())
    WordErrors(insertions=1, deletions=1, substitutions=1)
    """
    numbers: dict[str, int] = {}
    said, found = (
        np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)
        for words in (reference, hypothesis)
    )
    # A substitution costs a trace more than the others: the remainder of the distance counts them.
    step = len(said) + len(found) + 1
    insertions = step * np.arange(len(found) + 1, dtype=np.int64)
    row = insertions.copy()
    for word in said:
        best = row + step
        np.minimum(best[1:], row[:-1] + np.where(found == word, 0, step + 1), out=best[1:])
        # Insertions run along the row: each cell is the cheapest one before it and the steps from there.
        row = np.minimum.accumulate(best - insertions) + insertions
    errors, substitutions = divmod(int(row[-1]), step)
    unpaired, more = errors - substitutions, len(found) - len(said)
    return WordErrors((unpaired + more) // 2, (unpaired - more) // 2, substitutions)
