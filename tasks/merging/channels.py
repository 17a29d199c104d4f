"""Assign words and turns to speakers where every channel carries exactly one speaker."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.intervals import Span, merge_spans
from tasks.records import Turn, Word

MAX_PAUSE_S = 0.3
"""A silence of up to this length, in seconds, does not end a turn."""


def assign_by_channel(
    words: Sequence[Word], own_speech: Sequence[Sequence[Span]]
) -> tuple[tuple[Word, ...], tuple[Turn, ...]]:
    """Set each word's `speaker` to that of its channel; return (words, turns sorted by start).

    `own_speech`: by channel, the speech of the channel's own speaker, without crosstalk, in seconds. Speakers are
    numbered in order of their first turn. A channel without words, or without speech of its own, has no speaker.
    """
    with_words = {w.channel for w in words}
    turns = {c: merge_spans(spans, MAX_PAUSE_S) for c, spans in enumerate(own_speech) if c in with_words and spans}
    order = sorted(turns, key=lambda c: (turns[c][0].start_s, c))
    names = {channel: f"SPEAKER_{number:02d}" for number, channel in enumerate(order)}
    labelled = tuple(
        replace(w, speaker=names[w.channel], local_speaker=str(w.channel), is_overlap=_is_overlapped(w, turns))
        for w in words
        if w.channel in names
    )
    own_turns = [Turn(s.start_s, s.end_s, names[c], channel=c) for c, spans in turns.items() for s in spans]
    return labelled, tuple(sorted(own_turns, key=lambda t: (t.start_s, t.end_s, t.speaker)))


def _is_overlapped(word: Word, turns: Mapping[int, Sequence[Span]]) -> bool:
    """Whether a speaker of another channel has a turn at the middle of the word."""
    for channel, spans in turns.items():
        if channel != word.channel:
            i = bisect_right(spans, word.middle_s, key=lambda s: s.start_s) - 1
            if i >= 0 and word.middle_s in spans[i]:
                return True
    return False
