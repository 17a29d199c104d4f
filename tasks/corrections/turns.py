"""Cut turns where there is no speech, and give a span of them to another speaker. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from tasks.intervals import Span, subtract
from tasks.records import Turn

SLIVER_S = 0.5
"""Seconds: a rest of a turn so short goes with what is cut: borders of words and of turns differ by as much."""


def cut_turns(turns: Sequence[Turn], span: Span, labels: Collection[str | None], channel: int) -> list[Turn]:
    """Take a span out of the turns of these speakers on a channel."""
    out: list[Turn] = []
    for turn in turns:
        if turn.channel != channel or turn.speaker not in labels or not (turn.span & span):
            out.append(turn)
            continue
        rests = (r for r in subtract([turn.span], [span]) if r.duration_s > SLIVER_S)
        out += [replace(turn, start_s=r.start_s, end_s=r.end_s) for r in rests]
    return out


def give_turns(
    turns: Sequence[Turn], span: Span, labels: Collection[str | None], channel: int, to: str
) -> list[Turn]:
    """Give a span of the turns of these speakers to another one."""
    rest = cut_turns(turns, span, [label for label in labels if label != to], channel)
    free = subtract([span], [t.span for t in rest if t.speaker == to and t.channel == channel])
    rest += [Turn(s.start_s, s.end_s, to, channel, _overlaps(rest, s, to, channel)) for s in free]
    return sorted(rest, key=lambda t: (t.start_s, t.end_s, t.speaker))


def _overlaps(turns: Sequence[Turn], span: Span, label: str, channel: int) -> bool:
    return any(t.channel == channel and t.speaker != label and bool(t.span & span) for t in turns)
