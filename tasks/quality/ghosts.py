"""Find ghost speakers: labels of few seconds whose voice is that of another speaker, who was probably split. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tasks.records import UNKNOWN, Speaker

MOST_S = 30.0
"""Seconds of turns that a ghost has at most in the whole recording."""
TIMES = 4.0
"""So many times as long does the speaker talk whose voice it has."""
ALIKE = 0.5
"""Cosine of the two embeddings from which they are alike."""


def find_ghosts(speakers: Sequence[Speaker]) -> set[str]:
    """The labels of ghost speakers. Speakers without an embedding are none."""
    known = [s for s in speakers if s.embedding and s.label != UNKNOWN]
    return {
        one.label
        for one in known
        if one.turn_s < MOST_S
        and any(
            other.turn_s >= TIMES * one.turn_s
            and other.embedding_model == one.embedding_model
            and compute_cosine(one.embedding, other.embedding) >= ALIKE
            for other in known
            if other is not one
        )
    }


def compute_cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors; 0 for one of no length.

    >>> compute_cosine((1.0, 0.0), (2.0, 0.0))
    1.0
    """
    lengths = math.sqrt(sum(x * x for x in one)) * math.sqrt(sum(x * x for x in other))
    return sum(x * y for x, y in zip(one, other, strict=False)) / lengths if lengths else 0.0
