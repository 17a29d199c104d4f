"""Assign each word to a speaker.

Turn boundaries and word times are both off by some tenths of a second, so that assigning each word by itself would
often split a sentence at a speaker change ("Good" to one, "morning, Ana." to the next). Speakers change at the end of
a sentence or at a pause. Of all assignments the cheapest is taken (Viterbi): a word costs the seconds of it that lie
outside its speaker's turns, and a speaker change within a sentence costs CHANGE_COST_S. A word in no turn goes to a
speaker with a turn nearby, else to UNKNOWN.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.records import UNKNOWN, Turn, Word
from tasks.sentences import ends_sentence

CHANGE_COST_S = 0.75
"""Cost of a speaker change within a sentence, in seconds: from 0.75 to 2 s the errors on the bundled sample are the
same, below they rise."""
REACH_S = 0.75
"""A word that a turn covers may go to another speaker whose turn is up to this far from its middle, seconds."""
MAX_DISTANCE_S = 1.0
"""A word in no turn goes to a speaker with a turn at most this far away, in seconds."""
OVERLAP_RATIO = 1.1
"""A word is overlapped where turns of several speakers together cover more than this multiple of its duration."""
CHANGE_PAUSE_S = 0.3
"""A pause from this length on permits a speaker change at no cost, like the end of a sentence; seconds."""
SEGMENT_PAUSE_S = 1.0
"""A pause longer than this ends a segment, seconds."""

Costs = Mapping[str, float]
"""Cost of a word in seconds, by speaker."""


def assign_speakers(words: Sequence[Word], turns: Sequence[Turn]) -> tuple[Word, ...]:
    """Set `speaker` and `is_overlap` of `words` from `turns`, both sorted by start; each channel by itself."""
    costs: list[Costs] = []
    overlapped: list[bool] = []
    indices_by_channel: dict[int, list[int]] = defaultdict(list)
    nearby: list[Turn] = []
    following = 0
    for i, word in enumerate(words):
        while following < len(turns) and turns[following].start_s <= word.end_s + MAX_DISTANCE_S:
            nearby.append(turns[following])
            following += 1
        nearby = [t for t in nearby if t.end_s >= word.start_s - MAX_DISTANCE_S]
        cost, is_overlap = _compute_costs(word, nearby)
        costs.append(cost)
        overlapped.append(is_overlap)
        indices_by_channel[word.channel].append(i)
    out = list(words)
    for indices in indices_by_channel.values():
        speakers = _find_cheapest_path([words[i] for i in indices], [costs[i] for i in indices])
        for i, speaker in zip(indices, speakers, strict=True):
            out[i] = replace(words[i], speaker=speaker, is_overlap=overlapped[i])
    return tuple(out)


def _compute_costs(word: Word, turns: Sequence[Turn]) -> tuple[Costs, bool]:
    """Compute (cost of `word` for each speaker of the nearby `turns`, whether several speakers overlap it)."""
    covered: dict[str, float] = defaultdict(float)
    distances: dict[str, float] = {}
    for turn in turns:
        covered[turn.speaker] += (turn.span & word.span).duration_s
        distance = max(turn.start_s - word.end_s, word.start_s - turn.end_s, 0.0)
        distances[turn.speaker] = min(distance, distances.get(turn.speaker, distance))
    length = word.span.duration_s
    inside = [s for s in covered if covered[s] > 0.0]
    if inside:
        reached = (s for s in covered if covered[s] > 0.0 or distances[s] + length / 2 <= REACH_S)
        is_overlap = len(inside) > 1 and sum(covered.values()) > OVERLAP_RATIO * length
        return {s: max(length - covered[s], 0.0) for s in reached}, is_overlap
    return {s: d for s, d in distances.items() if d <= MAX_DISTANCE_S} or {UNKNOWN: 0.0}, False


def _find_cheapest_path(words: Sequence[Word], costs: Sequence[Costs]) -> list[str]:
    """Find the speakers of `words` with the least sum of word and change costs (Viterbi); ties avoid a change."""
    best: dict[str, float] = dict(costs[0])
    predecessors: list[dict[str, str]] = []
    for before, word, cost in zip(words, words[1:], costs[1:], strict=False):
        cheapest = min(best, key=lambda s: (best[s], s))
        changed = best[cheapest] + _compute_change_cost(before, word)
        predecessors.append({s: s if best.get(s, changed + 1.0) <= changed else cheapest for s in cost})
        best = {s: seconds + min(best.get(s, changed), changed) for s, seconds in cost.items()}
    speaker = min(best, key=lambda s: (best[s], s))
    path = [speaker]
    for origin in reversed(predecessors):
        speaker = origin[speaker]
        path.append(speaker)
    return path[::-1]


def _compute_change_cost(before: Word, word: Word) -> float:
    """Cost of a speaker change between two consecutive words, in seconds."""
    is_end = ends_sentence(before.text) or word.start_s - before.end_s >= CHANGE_PAUSE_S
    return 0.0 if is_end else CHANGE_COST_S
