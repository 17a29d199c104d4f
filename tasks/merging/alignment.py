"""Align two transcriptions of the same speech, word by word.

Words of the same text at nearly the same time form a match. Of all order-preserving sets of matches the heaviest is
taken: most words, then smallest differences in time. Unmatched words that overlap in time between two matches were
transcribed differently ("twenty one", "21") and form one unit; the others were transcribed by one side only.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.records import Word
from tasks.word_forms import to_comparison_form

MATCH_TOLERANCE_S = 1.25
"""Greatest distance between the middles of a matched pair, in seconds. Most lie within 0.3 s, but where a recogniser
compresses words into an instant (Whisper at a pause) its times are off by a second."""
SAME_SPEECH_GAP_S = 0.35
"""Unmatched words of both sides with at most this gap between them, in seconds, cover the same speech."""


@dataclass(frozen=True, slots=True)
class AlignedUnit:
    """The words of both transcriptions for the same speech, in order. One side is empty if only the other has any."""

    left: tuple[Word, ...]
    right: tuple[Word, ...]
    agreed: bool = False
    """Whether both sides have the same text."""

    @property
    def middle_s(self) -> float:
        """Mean of the middles of all words, in seconds."""
        words = self.left + self.right
        return sum(w.middle_s for w in words) / len(words)


def align_words(left: Sequence[Word], right: Sequence[Word]) -> list[AlignedUnit]:
    """Align two word lists, each sorted by start. Each word is in exactly one unit; both orders are kept."""
    out: list[AlignedUnit] = []
    i = j = 0
    for match in _match_words(left, right):
        out += _group_unmatched(left[i : match.left], right[j : match.right])
        i, j = match.left_end, match.right_end
        out.append(AlignedUnit(tuple(left[match.left : i]), tuple(right[match.right : j]), agreed=True))
    return out + _group_unmatched(left[i:], right[j:])


@dataclass(frozen=True, slots=True)
class _Match:
    """The heaviest chain of matches that ends with this one, of words [left, left_end) and [right, right_end)."""

    left: int
    left_end: int
    right: int
    right_end: int
    weight: float
    before: _Match | None


def _match_words(left: Sequence[Word], right: Sequence[Word]) -> list[_Match]:
    """Find the heaviest chain of matches that is monotonic on both sides.

    A word matches a word of the same text, or two words whose concatenation has the same text ("every one"). Two
    words never match two: those are two matches or none. A match weighs its number of words, less up to a fifth for
    the distance of its middles.
    """
    positions: dict[str, list[tuple[int, int]]] = defaultdict(list)
    texts, others = [to_comparison_form(w.text) for w in left], [to_comparison_form(w.text) for w in right]
    for j, text in enumerate(others):
        positions[text].append((j, j + 1))
        if j:
            positions[others[j - 1] + text].append((j - 1, j + 1))
    # The best chains so far, ascending both in their end on the right side and in weight.
    ends: list[int] = []
    chains: list[_Match] = []
    pending: dict[int, list[_Match]] = defaultdict(list)
    for i in range(len(left) + 2):
        for chain in pending.pop(i, ()):
            k = bisect_left(ends, chain.right_end)
            if (k and chains[k - 1].weight >= chain.weight) or (
                k < len(ends) and ends[k] == chain.right_end and chains[k].weight >= chain.weight
            ):
                continue
            worse = bisect_right(chains, chain.weight, lo=k, key=_weight_key)
            ends[k:worse], chains[k:worse] = [chain.right_end], [chain]
        for i_end in range(i + 1, min(i + 2, len(left)) + 1):
            middle_s = (left[i].start_s + left[i_end - 1].end_s) / 2
            for j, j_end in positions.get("".join(texts[i:i_end]), ()):
                distance_s = abs(middle_s - (right[j].start_s + right[j_end - 1].end_s) / 2)
                if distance_s <= MATCH_TOLERANCE_S and (i_end - i == 1 or j_end - j == 1):
                    k = bisect_right(ends, j)
                    before = chains[k - 1] if k else None
                    words = (i_end - i + j_end - j) / 2
                    weight = (before.weight if before else 0.0) + words * (1.0 - 0.2 * distance_s / MATCH_TOLERANCE_S)
                    pending[i_end].append(_Match(i, i_end, j, j_end, weight, before))
    out: list[_Match] = []
    last = chains[-1] if chains else None
    while last is not None:
        out.append(last)
        last = last.before
    return out[::-1]


def _weight_key(chain: _Match) -> float:
    return chain.weight


def _group_unmatched(left: Sequence[Word], right: Sequence[Word]) -> list[AlignedUnit]:
    """Group words without a match: words of both sides within SAME_SPEECH_GAP_S form one unit, others one each."""
    out: list[AlignedUnit] = []
    i = j = 0
    while i < len(left) or j < len(right):
        if j == len(right) or (i < len(left) and left[i].end_s + SAME_SPEECH_GAP_S < right[j].start_s):
            out.append(AlignedUnit((left[i],), ()))
            i += 1
            continue
        if i == len(left) or right[j].end_s + SAME_SPEECH_GAP_S < left[i].start_s:
            out.append(AlignedUnit((), (right[j],)))
            j += 1
            continue
        a, b = i + 1, j + 1
        while True:
            if a < len(left) and left[a].start_s <= right[b - 1].end_s + SAME_SPEECH_GAP_S:
                a += 1
            elif b < len(right) and right[b].start_s <= left[a - 1].end_s + SAME_SPEECH_GAP_S:
                b += 1
            else:
                break
        out.append(AlignedUnit(tuple(left[i:a]), tuple(right[j:b])))
        i, j = a, b
    return out
