"""Whisper's own failures, found in its words: loops, and text where nobody speaks.

Pure. A loop is a run of words said over and over; Whisper falls into them on noise, music and laughter.
People repeat themselves too ("no no no"), so a run must be longer than people's and without the pauses they
make, and the step decodes it again before it is cut.
"""

from __future__ import annotations

import unicodedata
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.intervals import Span, merge_spans
from tasks.records import Word

MAX_COMPRESSION = 2.4
"""Text that zlib makes more than this many times smaller repeats itself (the threshold of Whisper's own
decoder)."""
LONGEST_UNIT = 30
"""Words in the longest repeated phrase that is looked for."""
LOOP_PAUSE_S = 0.5
"""A loop may go on from a full window into the next; stretches that silence parts are further apart. Who says
"yes" once a minute, in a stretch of its own each time, is a person."""
FASTEST = 7.0
"""Words a second: nobody repeats even one syllable faster."""
SURE = 0.5
"""Mean confidence of repeated words above which hearing them twice is believed."""
SAME = 0.8
"""Share of words that two hearings of the same repetitions have in common: one may miss a "no" of nine."""


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


def looping(words: Sequence[Word], stretches: Sequence[Span]) -> set[int]:
    """Indices of the stretches with a loop, or with a part of one that goes on from stretch to stretch."""
    out: set[int] = set()
    for run in _runs(words, stretches):
        for loop in loops([words[i].text for i in run]):
            out |= {_stretch_of(words[i], stretches) for i in run[loop.first : loop.last]}
    return out


def cut_loops(words: Sequence[Word], stretches: Sequence[Span], doubtful: Collection[int]) -> tuple[list[Word], int]:
    """The words with the loops in `doubtful` stretches (indices) reduced to their phrase, said once; how many
    loops that were."""
    out: list[Word] = []
    count = 0
    for run in _runs(words, stretches, doubtful):
        said = [words[i] for i in run]
        found = loops([w.text for w in said]) if _stretch_of(said[0], stretches) in doubtful else []
        out += without_loops(said, found)
        count += len(found)
    return out, count


def _runs(
    words: Sequence[Word], stretches: Sequence[Span], doubtful: Collection[int] | None = None
) -> list[list[int]]:
    """Indices of words that one loop may run through: of one stretch, or of neighbours without a pause.
    Doubtful stretches and others never share a run."""
    out: list[list[int]] = [[0]] if words else []
    for i, (before, word) in enumerate(pairwise(words), start=1):
        left, right = _stretch_of(before, stretches), _stretch_of(word, stretches)
        parted = left != right and word.start_s - before.end_s > LOOP_PAUSE_S
        if parted or (doubtful is not None and (left in doubtful) != (right in doubtful)):
            out.append([])
        out[-1].append(i)
    return out


def _stretch_of(word: Word, stretches: Sequence[Span]) -> int:
    return max(0, bisect_right(stretches, word.middle_s, key=lambda s: s.start_s) - 1)


def confirms(first: Sequence[Word], second: Sequence[Word]) -> bool:
    """Were these repetitions said? So if a second hearing has the same words, is sure of them, and a mouth can
    be so fast. An engine that tells no confidence is taken at its word."""
    repeats = _repeats(first)
    about = {plain(w.text) for part in repeats for w in part} or {plain(w.text) for w in first}
    one, other = (Counter(t for w in words if (t := plain(w.text)) in about) for words in (first, second))
    if 2 * (one & other).total() < SAME * (one.total() + other.total()):
        return False
    return all(_is_sure(part) and _is_sayable(part) for part in _repeats(second) or [second])


def _repeats(words: Sequence[Word]) -> list[Sequence[Word]]:
    return [words[loop.first : loop.last] for loop in loops([w.text for w in words])]


def _is_sure(words: Sequence[Word]) -> bool:
    told = [w.confidence for w in words if w.confidence is not None]
    return not told or sum(told) / len(told) >= SURE


def _is_sayable(words: Sequence[Word]) -> bool:
    return not words or len(words) - 1 <= FASTEST * (words[-1].end_s - words[0].start_s)


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
    near = merge_spans(s.grow(slack_s) for s in speech)
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
