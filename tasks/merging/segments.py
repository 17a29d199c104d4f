"""Segments: one speaker's words, broken where a reader would break them.

Formed within one channel and speaker, so that overlapped speech doesn't shatter into one-word pieces. A segment
ends at a pause over a second, where somebody else takes a turn in between, or at a sentence's end past 15 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from tasks.merging.attribute import PAUSE_S
from tasks.records import Segment, Word
from tasks.sentences import ends_sentence

LONG_S = 15.0
"""Past this many seconds a segment ends with its sentence."""
LONGEST_S = 30.0
"""Past this many seconds a segment ends with its word."""
TAKES_TURN = 2
"""Words of somebody else, all within a pause, that count as taking the turn."""


def segment(words: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[Segment, ...]]:
    """(words with `segment` set, segments), both by start time. `words` must be sorted by start."""
    lines: dict[tuple[int, str | None], list[list[int]]] = {}
    others_since: dict[tuple[int, str | None], int] = {}
    for i, word in enumerate(words):
        key = (word.channel, word.speaker)
        for other in others_since:
            if other != key:
                others_since[other] += 1
        runs = lines.setdefault(key, [])
        if runs and not _breaks(words, runs[-1], word, others_since.get(key, 0)):
            runs[-1].append(i)
        else:
            runs.append([i])
        others_since[key] = 0
    runs = sorted((r for rs in lines.values() for r in rs), key=lambda r: _order(words, r))
    numbered = list(words)
    segments = []
    for index, run in enumerate(runs):
        for i in run:
            numbered[i] = replace(numbered[i], segment=index)
        segments.append(_segment(index, [words[i] for i in run]))
    return tuple(numbered), tuple(segments)


def _breaks(words: Sequence[Word], run: Sequence[int], word: Word, others: int) -> bool:
    first, last = words[run[0]], words[run[-1]]
    if word.start_s - last.end_s > PAUSE_S:
        return True
    if others >= TAKES_TURN and not (word.is_overlap or last.is_overlap):
        return True
    length = last.end_s - first.start_s
    return length > LONGEST_S or (length > LONG_S and ends_sentence(last.text))


def _order(words: Sequence[Word], run: Sequence[int]) -> tuple[float, float, str]:
    return words[run[0]].start_s, max(words[i].end_s for i in run), words[run[0]].speaker or ""


def _segment(index: int, words: Sequence[Word]) -> Segment:
    return Segment(
        index=index,
        start_s=words[0].start_s,
        end_s=max(w.end_s for w in words),
        text=" ".join(w.text for w in words),
        num_words=len(words),
        speaker=words[0].speaker,
        channel=words[0].channel,
        confidence=_mean([w.confidence for w in words]),
        speaker_confidence=_mean([w.speaker_confidence for w in words]),
        has_overlap=any(w.is_overlap for w in words),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return fmean(known) if known else None
