"""Apply facts to what a run gave, in the order in which they were entered, and list the conflicts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.corrections.edit import Edit
from tasks.corrections.facts import Fact
from tasks.corrections.locate import REACH_S, list_near
from tasks.corrections.recount import recount
from tasks.corrections.segments import rebuild_segments
from tasks.corrections.tokens import compare_form
from tasks.intervals import merge_spans
from tasks.joining import join_words
from tasks.records import Segment, Transcript, Turn, Word


@dataclass(frozen=True, slots=True)
class Conflict:
    """A fact that won although the machine now says neither what the fact replaces nor what it says."""

    fact: Fact
    machine: str
    """What the machine says in the span; the label of its speaker, where only the speaker differs."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a run gave, with the facts applied."""

    words: tuple[Word, ...]
    segments: tuple[Segment, ...]
    turns: tuple[Turn, ...]
    conflicts: tuple[Conflict, ...] = ()


def correct_transcript(transcript: Transcript, facts: Sequence[Fact]) -> tuple[Transcript, tuple[Conflict, ...]]:
    """Apply the facts to a transcript as the machine gave it; return it, with its speakers counted anew, and the
    conflicts.

    A speaker who has nothing left keeps the row, with zeros: the voice was found.
    """
    if not facts:
        return transcript, ()
    done = apply(facts, transcript.words, transcript.segments, transcript.turns)
    corrected = replace(transcript, words=done.words, segments=done.segments, turns=done.turns)
    return recount(corrected), done.conflicts


def apply(
    facts: Sequence[Fact], words: Sequence[Word], segments: Sequence[Segment], turns: Sequence[Turn]
) -> Corrected:
    """Apply facts, which are not undone, to the machine's words (sorted by start), segments and turns.

    A fact on a span that a later one covers is built upon by that; only the later one can be in conflict.
    """
    edit = Edit.begin(words, segments, turns, merge_spans(fact.span for fact in facts))
    machine = list(words)
    conflicts: list[Conflict] = []
    ordered = sorted(facts, key=lambda fact: fact.number)
    for place, fact in enumerate(ordered):
        if fact.action != "words":
            edit.move_border(fact)
            continue
        said_instead = edit.change_words(fact)
        if said_instead is None:
            continue
        later = [f for f in ordered[place + 1 :] if _covers(f, fact)]
        if not any(_says(machine, f) for f in later):
            conflicts.append(Conflict(later[-1] if later else fact, said_instead))
    words_now, segments_now = rebuild_segments(segments, edit.words, edit.touched)
    return Corrected(tuple(words_now), tuple(segments_now), tuple(edit.turns), tuple(conflicts))


def _covers(later: Fact, fact: Fact) -> bool:
    """Whether a later fact on words replaces all that an earlier fact is about."""
    whole = later.span.grow(REACH_S)
    return (
        later.action == "words"
        and later.now is not None
        and whole.start_s <= fact.span.start_s
        and fact.span.end_s <= whole.end_s
    )


def _says(machine: Sequence[Word], fact: Fact) -> bool:
    """Whether the machine itself says what the fact says."""
    said = compare_form(join_words([machine[i] for i in list_near(machine, fact.span)]))
    return said == compare_form(fact.now or "")
