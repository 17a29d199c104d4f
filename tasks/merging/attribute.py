"""Words to speakers.

A word goes to the speaker whose turns cover most of it; in overlapped speech to the one with the most, marked; in
no turn, to the nearest within a second, else to UNKNOWN. A sentence whose words are split 90/10 between two
speakers is smoothed; one split 60/40 is not.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tasks.records import UNKNOWN, Turn, Word

NEAR_S = 1.0
"""A word in no turn belongs to the nearest one within this many seconds."""
SMOOTH_SHARE = 0.9
"""Share of a sentence's words that one speaker must have for the rest to follow."""
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
PAUSE_S = 1.0


def attribute(words: Sequence[Word], turns: Sequence[Turn]) -> tuple[Word, ...]:
    """`words` (sorted by start) with `speaker` and `is_overlap` set from `turns` (sorted by start)."""
    longest = max((t.end_s - t.start_s for t in turns), default=0.0)
    starts = [t.start_s for t in turns]
    placed = [_place(w, turns, starts, longest) for w in words]
    return tuple(_smooth_sentences(placed))


def _place(word: Word, turns: Sequence[Turn], starts: Sequence[float], longest: float) -> Word:
    first = bisect.bisect_left(starts, word.start_s - longest - NEAR_S)
    last = bisect.bisect_right(starts, word.end_s + NEAR_S)
    covered: dict[str, float] = {}
    nearest: tuple[float, float, str] | None = None
    for turn in turns[first:last]:
        common = (turn.span & word.span).duration_s
        if common > 0:
            covered[turn.speaker] = covered.get(turn.speaker, 0.0) + common
        away = max(turn.start_s - word.end_s, word.start_s - turn.end_s, 0.0)
        if away <= NEAR_S and (nearest is None or (away, turn.start_s) < nearest[:2]):
            nearest = (away, turn.start_s, turn.speaker)
    if covered:
        speaker = max(sorted(covered), key=lambda s: covered[s])
        together = sum(covered.values()) > word.span.duration_s * 1.1 and len(covered) > 1
        return replace(word, speaker=speaker, is_overlap=together)
    return replace(word, speaker=nearest[2] if nearest else UNKNOWN)


def _smooth_sentences(words: list[Word]) -> list[Word]:
    out: list[Word] = []
    for sentence in sentences(words):
        votes = Counter(w.speaker for w in sentence)
        speaker, count = votes.most_common(1)[0]
        if len(votes) > 1 and count >= SMOOTH_SHARE * len(sentence) and speaker != UNKNOWN:
            sentence = [w if w.is_overlap else replace(w, speaker=speaker) for w in sentence]
        out += sentence
    return out


def sentences(words: Sequence[Word]) -> list[list[Word]]:
    """Runs of words up to a sentence end or a pause."""
    out: list[list[Word]] = []
    open_ = False
    for word in words:
        if open_ and word.start_s - out[-1][-1].end_s <= PAUSE_S:
            out[-1].append(word)
        else:
            out.append([word])
        open_ = not word.text.endswith(SENTENCE_ENDS)
    return out
