"""Whisper's own failures, found in its words: loops, and text where nobody speaks.

Pure. A loop is a run of words said over and over; Whisper falls into them on noise, music and laughter.
People repeat themselves too ("no no no"), so a run must be longer than people's, and the step decodes it
again before it is cut.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.intervals import Span, tidy
from tasks.records import Word

MAX_COMPRESSION = 2.4
"""Text that zlib makes more than this many times smaller repeats itself (the threshold of Whisper's own
decoder)."""
LONGEST_UNIT = 30
"""Words in the longest repeated phrase that is looked for."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Words [first, last) are a phrase of `unit` words and its repetitions."""

    first: int
    last: int
    unit: int


def least_repeats(unit: int) -> int:
    """How often a phrase of so many words has to stand in a row before it is a loop."""
    return 8 if unit == 1 else 5 if unit <= 3 else 4 if unit <= 6 else 3


def loops(words: Sequence[str]) -> list[Loop]:
    """Runs of repeated phrases, left to right, not overlapping; case and punctuation don't matter.

    >>> loops("and then we go and then we go and then we go and then we go home".split())
    [Loop(first=0, last=16, unit=4)]
    >>> loops("no no no I said no".split())
    []
    """
    keys = [plain(w) for w in words]
    out: list[Loop] = []
    i = 0
    while i < len(keys):
        found = next((loop for unit in range(1, LONGEST_UNIT + 1) if (loop := _loop_at(keys, i, unit))), None)
        if found:
            out.append(found)
            i = found.last
        else:
            i += 1
    return out


def _loop_at(keys: list[str], first: int, unit: int) -> Loop | None:
    last = first + unit
    while last < len(keys) and keys[last] == keys[last - unit]:
        last += 1
    repeats = (last - first) // unit
    # A last repetition broken off belongs to the loop too; it stays in [first, last).
    return Loop(first, last, unit) if repeats >= least_repeats(unit) else None


def without_loops(words: Sequence[Word], found: Sequence[Loop]) -> list[Word]:
    """The words with each loop reduced to its phrase, said once."""
    drop = {i for loop in found for i in range(loop.first + loop.unit, loop.last)}
    return [w for i, w in enumerate(words) if i not in drop]


def compression_ratio(text: str) -> float:
    """Bytes of the text over bytes of its zlib compression; 0 for no text.

    >>> compression_ratio("thank you. " * 40) > MAX_COMPRESSION
    True
    """
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def is_repetitive(words: Sequence[str]) -> bool:
    """Does this text need a second decoding?"""
    return bool(loops(words)) or compression_ratio(" ".join(words)) > MAX_COMPRESSION


def over_speech(words: Sequence[Word], speech: Sequence[Span], slack_s: float) -> list[Word]:
    """The words that lie within `slack_s` of speech."""
    near = tidy(s.grow(slack_s) for s in speech)
    out, k = [], 0
    for word in sorted(words, key=lambda w: w.middle_s):
        while k < len(near) and near[k].end_s <= word.middle_s:
            k += 1
        if k < len(near) and word.middle_s in near[k]:
            out.append(word)
    return out


def plain(word: str) -> str:
    """A word as it is compared: lower case, letters and digits only; itself where it has none."""
    kept = "".join(c for c in word.casefold() if unicodedata.category(c)[0] in "LNM")
    return kept or word
