"""Group words into segments: consecutive words of one speaker, as a reader would break them.

Segments are built within one channel and speaker, so that overlapped speech is not split into one-word segments.
A segment ends at a pause over a second, where another speaker takes a turn, where the language changes, at a
sentence's end past 15 s, and at any word past 30 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.joining import weigh_word
from tasks.merging.assign_speakers import SEGMENT_PAUSE_S
from tasks.records import Segment, Word
from tasks.segments import make_segment
from tasks.sentences import ends_sentence

SOFT_LIMIT_S = 15.0
"""A segment longer than this ends with its sentence, seconds."""
HARD_LIMIT_S = 30.0
"""A segment longer than this ends with its word, seconds."""
TURN_WORDS = 2
"""So many words of other speakers between two words of a speaker end the segment."""


def build_segments(words: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[Segment, ...]]:
    """Return (words with `segment` set, segments), both by start time. `words` must be sorted by start."""
    lines: dict[tuple[int, str | None], list[list[int]]] = {}
    others_since: dict[tuple[int, str | None], float] = {}
    for i, word in enumerate(words):
        key = (word.channel, word.speaker)
        for other in others_since:
            if other != key:
                others_since[other] += weigh_word(word)
        runs = lines.setdefault(key, [])
        if runs and not _is_break(words, runs[-1], word, others_since.get(key, 0)):
            runs[-1].append(i)
        else:
            runs.append([i])
        others_since[key] = 0
    runs = sorted((r for rs in lines.values() for r in rs), key=lambda r: _order_key(words, r))
    numbered = list(words)
    segments = []
    for index, run in enumerate(runs):
        for i in run:
            numbered[i] = replace(numbered[i], segment=index)
        segments.append(make_segment(index, [words[i] for i in run]))
    return tuple(numbered), tuple(segments)


def _is_break(words: Sequence[Word], run: Sequence[int], word: Word, others: float) -> bool:
    """Whether `word` starts a new segment after `run`, with `others` words of other speakers in between."""
    first, last = words[run[0]], words[run[-1]]
    if word.start_s - last.end_s > SEGMENT_PAUSE_S or word.language != last.language:
        return True
    if others >= TURN_WORDS and not (word.is_overlap or last.is_overlap):
        return True
    length = last.end_s - first.start_s
    return length > HARD_LIMIT_S or (length > SOFT_LIMIT_S and ends_sentence(last.text))


def _order_key(words: Sequence[Word], run: Sequence[int]) -> tuple[float, float, str]:
    return words[run[0]].start_s, max(words[i].end_s for i in run), words[run[0]].speaker or ""
