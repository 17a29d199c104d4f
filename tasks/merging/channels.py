"""Words and turns where every channel has a speaker of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.intervals import Span, merge_spans
from tasks.records import Turn, Word

JOIN_S = 0.3
"""Silence inside a speaker's turn shorter than this doesn't end it."""


def by_channel(words: Sequence[Word], own: Sequence[Sequence[Span]]) -> tuple[tuple[Word, ...], tuple[Turn, ...]]:
    """(words with their channel's speaker, turns): `own` is each channel's own speech.

    Speakers are numbered by who speaks first. A channel without a word has no speaker: what sounds there is nobody's
    speech.
    """
    heard = {w.channel for w in words}
    turns = {c: merge_spans(spans, JOIN_S) for c, spans in enumerate(own) if c in heard and spans}
    order = sorted(turns, key=lambda c: (turns[c][0].start_s, c))
    names = {channel: f"SPEAKER_{number:02d}" for number, channel in enumerate(order)}
    told = tuple(
        replace(w, speaker=names[w.channel], local_speaker=str(w.channel), is_overlap=_others_speak(w, turns))
        for w in words
        if w.channel in names
    )
    spoken = [Turn(s.start_s, s.end_s, names[c], channel=c) for c, spans in turns.items() for s in spans]
    return told, tuple(sorted(spoken, key=lambda t: (t.start_s, t.end_s, t.speaker)))


def _others_speak(word: Word, turns: Mapping[int, Sequence[Span]]) -> bool:
    """Whether somebody speaks on another channel in the middle of the word."""
    for channel, spans in turns.items():
        if channel != word.channel:
            i = bisect_right(spans, word.middle_s, key=lambda s: s.start_s) - 1
            if i >= 0 and word.middle_s in spans[i]:
                return True
    return False
