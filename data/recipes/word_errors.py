"""Counting word errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def word_errors(reference: Sequence[object], hypothesis: Sequence[object]) -> int:
    """Least number of substitutions, deletions and insertions between two sequences.

    >>> word_errors("a b c".split(), "a c d".split())
    2
    """
    row = np.arange(len(hypothesis) + 1)
    for i, expected in enumerate(reference, 1):
        change = row[:-1] + np.array([expected != got for got in hypothesis], dtype=int)
        row = np.concatenate([[i], np.minimum(change, row[1:] + 1)])
        for j in range(1, len(row)):
            row[j] = min(row[j], row[j - 1] + 1)
    return int(row[-1])
