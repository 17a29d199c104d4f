"""Seconds that linking gave to somebody else: exact, and quick enough for thousands of days.

Here no time has two speakers on either side (windows' turns never overlap), which makes confusion a matter of one
table; `test_score.py` checks it against pyannote.metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.linking.nodes import ChunkVoices
from tasks.linking.turns import turns_from_windows
from tasks.records import UNKNOWN, Turn

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class LinkingScore:
    """Seconds of speech; of these, given to somebody else; to nobody."""

    speech_s: float
    confused_s: float
    unknown_s: float
    found: int
    real: int

    @property
    def der(self) -> float:
        """Confused and unknown seconds of all: what pyannote calls the diarization error rate, as nothing else can go
        wrong between two labellings of the same speech."""
        return (self.confused_s + self.unknown_s) / max(self.speech_s, 1e-9)

    @property
    def unknown(self) -> float:
        return self.unknown_s / max(self.speech_s, 1e-9)


def score(reference: Sequence[Turn], found: Sequence[Turn]) -> LinkingScore:
    """`found` against `reference`, each without overlaps, speakers paired one to one to the most common seconds."""
    from scipy.optimize import linear_sum_assignment

    real = sorted({t.speaker for t in reference})
    names = sorted({t.speaker for t in found} - {UNKNOWN})
    common = np.zeros((len(real), max(len(names), 1)))
    unknown = matched = 0.0
    for a, b, seconds in _common(reference, found):
        if b.speaker == UNKNOWN:
            unknown += seconds
        else:
            common[real.index(a.speaker), names.index(b.speaker)] += seconds
    rows, columns = linear_sum_assignment(-common)
    matched = float(common[rows, columns].sum())
    speech = sum(t.end_s - t.start_s for t in reference)
    heard = float(common.sum()) + unknown
    # Speech that nobody was given at all is as lost as what was given to nobody we can name.
    confused, lost = max(0.0, heard - unknown - matched), max(0.0, unknown + speech - heard)
    return LinkingScore(speech, confused, lost, len(names), len(real))


def _common(left: Sequence[Turn], right: Sequence[Turn]) -> list[tuple[Turn, Turn, float]]:
    out = []
    i = j = 0
    while i < len(left) and j < len(right):
        seconds = min(left[i].end_s, right[j].end_s) - max(left[i].start_s, right[j].start_s)
        if seconds > 0:
            out.append((left[i], right[j], seconds))
        if left[i].end_s <= right[j].end_s:
            i += 1
        else:
            j += 1
    return out


def turns_of(chunks: Sequence[ChunkVoices], labels: Sequence[Array]) -> list[Turn]:
    """The turns that linking makes of windows with these speakers (−1: unknown): of the cores, by time."""
    out = []
    for chunk, mine in sorted(zip(chunks, labels, strict=True), key=lambda p: p[0].index):
        out += [
            Turn(a, b, f"SPEAKER_{k:02d}" if k >= 0 else UNKNOWN)
            for a, b, k in turns_from_windows(chunk, np.asarray(mine))
        ]
    return out
