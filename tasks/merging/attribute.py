"""Words to speakers.

Both the turns' borders and the words' times are off by some tenths of a second, so that a word alone would often go
to the wrong side of a change ("Good" to one, "morning, Ana." to the next). People change at the end of a sentence or
at a pause; so of all ways to give the words to speakers that one is taken which costs the fewest seconds: a word
costs as much of its time as lies outside its speaker's turns, and a change within a sentence costs CHANGE_S.
A word in no turn goes to somebody near, else to UNKNOWN.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.records import UNKNOWN, Turn, Word
from tasks.sentences import ends_sentence

CHANGE_S = 0.75
"""What a change of speaker within a sentence costs: from 0.75 to 2 s the bundled sample's errors are the same, below
they rise."""
REACH_S = 0.75
"""A word may go to a speaker whose turn lies up to this far from its middle, when another's turn covers it."""
NEAR_S = 1.0
"""A word in no turn belongs to one within this many seconds."""
OVERLAP = 1.1
"""Turns that cover more than this share of a word, by several speakers, mark it as overlapped."""
BREATH_S = 0.3
"""A pause at which a speaker may change as at the end of a sentence, seconds."""
PAUSE_S = 1.0
"""A pause at which a segment ends, seconds."""

Costs = Mapping[str, float]
"""Seconds that a word costs, by speaker."""


def attribute(words: Sequence[Word], turns: Sequence[Turn]) -> tuple[Word, ...]:
    """`words` (sorted by start) with `speaker` and `is_overlap` set from `turns` (sorted by start)."""
    costs: list[Costs] = []
    overlapped: list[bool] = []
    by_channel: dict[int, list[int]] = defaultdict(list)
    near: list[Turn] = []
    following = 0
    for i, word in enumerate(words):
        while following < len(turns) and turns[following].start_s <= word.end_s + NEAR_S:
            near.append(turns[following])
            following += 1
        near = [t for t in near if t.end_s >= word.start_s - NEAR_S]
        cost, is_overlap = _costs(word, near)
        costs.append(cost)
        overlapped.append(is_overlap)
        by_channel[word.channel].append(i)
    out = list(words)
    for places in by_channel.values():
        speakers = _cheapest([words[i] for i in places], [costs[i] for i in places])
        for i, speaker in zip(places, speakers, strict=True):
            out[i] = replace(words[i], speaker=speaker, is_overlap=overlapped[i])
    return tuple(out)


def _costs(word: Word, turns: Sequence[Turn]) -> tuple[Costs, bool]:
    """What `word` costs each speaker of the `turns` near it, and whether several cover it."""
    covered: dict[str, float] = defaultdict(float)
    away: dict[str, float] = {}
    for turn in turns:
        covered[turn.speaker] += (turn.span & word.span).duration_s
        distance = max(turn.start_s - word.end_s, word.start_s - turn.end_s, 0.0)
        away[turn.speaker] = min(distance, away.get(turn.speaker, distance))
    length = word.span.duration_s
    inside = [s for s in covered if covered[s] > 0.0]
    if inside:
        reached = (s for s in covered if covered[s] > 0.0 or away[s] + length / 2 <= REACH_S)
        is_overlap = len(inside) > 1 and sum(covered.values()) > OVERLAP * length
        return {s: max(length - covered[s], 0.0) for s in reached}, is_overlap
    return {s: d for s, d in away.items() if d <= NEAR_S} or {UNKNOWN: 0.0}, False


def _cheapest(words: Sequence[Word], costs: Sequence[Costs]) -> list[str]:
    """The speakers of `words` at the least sum of costs and changes (Viterbi); of equals, the one with no change."""
    best: dict[str, float] = dict(costs[0])
    came_from: list[dict[str, str]] = []
    for before, word, cost in zip(words, words[1:], costs[1:], strict=False):
        cheapest = min(best, key=lambda s: (best[s], s))
        changed = best[cheapest] + _price(before, word)
        came_from.append({s: s if best.get(s, changed + 1.0) <= changed else cheapest for s in cost})
        best = {s: seconds + min(best.get(s, changed), changed) for s, seconds in cost.items()}
    speaker = min(best, key=lambda s: (best[s], s))
    path = [speaker]
    for origin in reversed(came_from):
        speaker = origin[speaker]
        path.append(speaker)
    return path[::-1]


def _price(before: Word, word: Word) -> float:
    """What a change of speaker between two words costs, seconds."""
    is_end = ends_sentence(before.text) or word.start_s - before.end_s >= BREATH_S
    return 0.0 if is_end else CHANGE_S
