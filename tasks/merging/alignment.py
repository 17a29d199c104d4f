"""Two hearings of the same speech, word by word.

Words of the same text at nearly the same time are pairs; of all ways to pair them in order the one with most pairs,
then with the nearest times, is taken. What lies between two pairs and overlaps in time was heard differently
("twenty one", "21") and belongs together; the rest was heard by one side alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.records import Word
from tasks.word_forms import to_comparison_form

TOLERANCE_S = 1.25
"""The middles of two hearings of one word lie at most this far apart: mostly within 0.3 s, but where a recogniser
crowds words into an instant (Whisper at a pause) its times are off by a second."""
TOGETHER_S = 0.35
"""Different words of two hearings with at most this much time between them are about the same speech."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The same speech in both hearings, in order; one side is empty where the other alone has words for it."""

    left: tuple[Word, ...]
    right: tuple[Word, ...]
    agreed: bool = False
    """Both sides say the same."""

    @property
    def middle_s(self) -> float:
        words = self.left + self.right
        return sum(w.middle_s for w in words) / len(words)


def units(left: Sequence[Word], right: Sequence[Word]) -> list[Unit]:
    """Every word of both hearings (each sorted by start) in exactly one unit; the order of each hearing is kept."""
    out: list[Unit] = []
    i = j = 0
    for match in _matches(left, right):
        out += _between(left[i : match.left], right[j : match.right])
        i, j = match.left_end, match.right_end
        out.append(Unit(tuple(left[match.left : i]), tuple(right[match.right : j]), agreed=True))
    return out + _between(left[i:], right[j:])


@dataclass(frozen=True, slots=True)
class _Match:
    """The best chain of matches that ends with this one: of words [left, left_end) and [right, right_end)."""

    left: int
    left_end: int
    right: int
    right_end: int
    weight: float
    before: _Match | None


def _matches(left: Sequence[Word], right: Sequence[Word]) -> list[_Match]:
    """The heaviest chain of matches that runs forwards on both sides. A word matches a word of the same text, or two
    that make the same text together ("every one"); two never match two, which are two pairs or none.
    """
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    texts, others = [to_comparison_form(w.text) for w in left], [to_comparison_form(w.text) for w in right]
    for j, text in enumerate(others):
        places[text].append((j, j + 1))
        if j:
            places[others[j - 1] + text].append((j - 1, j + 1))
    # The best chains so far, both rising: by where they end on the right, and by weight.
    ends: list[int] = []
    chains: list[_Match] = []
    waiting: dict[int, list[_Match]] = defaultdict(list)
    for i in range(len(left) + 2):
        for chain in waiting.pop(i, ()):
            k = bisect_left(ends, chain.right_end)
            if (k and chains[k - 1].weight >= chain.weight) or (
                k < len(ends) and ends[k] == chain.right_end and chains[k].weight >= chain.weight
            ):
                continue
            worse = bisect_right(chains, chain.weight, lo=k, key=_weight)
            ends[k:worse], chains[k:worse] = [chain.right_end], [chain]
        for i_end in range(i + 1, min(i + 2, len(left)) + 1):
            middle_s = (left[i].start_s + left[i_end - 1].end_s) / 2
            for j, j_end in places.get("".join(texts[i:i_end]), ()):
                away = abs(middle_s - (right[j].start_s + right[j_end - 1].end_s) / 2)
                if away <= TOLERANCE_S and (i_end - i == 1 or j_end - j == 1):
                    k = bisect_right(ends, j)
                    before = chains[k - 1] if k else None
                    words = (i_end - i + j_end - j) / 2
                    weight = (before.weight if before else 0.0) + words * (1.0 - 0.2 * away / TOLERANCE_S)
                    waiting[i_end].append(_Match(i, i_end, j, j_end, weight, before))
    out: list[_Match] = []
    last = chains[-1] if chains else None
    while last is not None:
        out.append(last)
        last = last.before
    return out[::-1]


def _weight(chain: _Match) -> float:
    return chain.weight


def _between(left: Sequence[Word], right: Sequence[Word]) -> list[Unit]:
    """Units of words without a match: those of both sides that touch in time are one unit, the others stand alone."""
    out: list[Unit] = []
    i = j = 0
    while i < len(left) or j < len(right):
        if j == len(right) or (i < len(left) and left[i].end_s + TOGETHER_S < right[j].start_s):
            out.append(Unit((left[i],), ()))
            i += 1
            continue
        if i == len(left) or right[j].end_s + TOGETHER_S < left[i].start_s:
            out.append(Unit((), (right[j],)))
            j += 1
            continue
        a, b = i + 1, j + 1
        while True:
            if a < len(left) and left[a].start_s <= right[b - 1].end_s + TOGETHER_S:
                a += 1
            elif b < len(right) and right[b].start_s <= left[a - 1].end_s + TOGETHER_S:
                b += 1
            else:
                break
        out.append(Unit(tuple(left[i:a]), tuple(right[j:b])))
        i, j = a, b
    return out
