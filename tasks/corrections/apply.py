"""Apply facts to what a run gave: pure, in the order in which they were entered."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.corrections.facts import Fact
from tasks.corrections.locate import REACH_S, Region, find_label, find_region, list_near
from tasks.corrections.new_words import make_words
from tasks.corrections.segments import rebuild_segments
from tasks.corrections.tokens import compare_form
from tasks.corrections.turns import cut_turns, give_turns
from tasks.intervals import Span, merge_spans
from tasks.joining import join_words
from tasks.records import UNKNOWN, Segment, Speaker, Transcript, Turn, Word


@dataclass(frozen=True, slots=True)
class Conflict:
    """A fact that won over a machine that now says a third thing: neither what was there nor what is."""

    fact: Fact
    machine: str
    """What the machine says in the span; its speaker's label, where that is what differs."""


@dataclass(frozen=True, slots=True)
class Corrected:
    words: tuple[Word, ...]
    segments: tuple[Segment, ...]
    turns: tuple[Turn, ...]
    conflicts: tuple[Conflict, ...] = ()


def correct_transcript(transcript: Transcript, facts: Sequence[Fact]) -> tuple[Transcript, tuple[Conflict, ...]]:
    """Apply the facts to a transcript as the machine gave it; returns it with the conflicts.

    Counts of the speakers follow. A speaker who has nothing left keeps the row, with zeros, for the voice was told
    apart.
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
    spans = merge_spans(fact.span for fact in facts)
    state = _State(sorted(words, key=_order), list(turns), spans, set(), 1 + max([-1, *(s.index for s in segments)]))
    machine = list(words)
    conflicts: list[Conflict] = []
    ordered = sorted(facts, key=lambda fact: fact.number)
    for place, fact in enumerate(ordered):
        if fact.action != "words":
            state.move_border(fact)
            continue
        third = state.change_words(fact)
        if third is None:
            continue
        later = [f for f in ordered[place + 1 :] if _covers(f, fact)]
        if not any(_says(machine, f) for f in later):
            conflicts.append(Conflict(later[-1] if later else fact, third))
    words_now, segments_now = rebuild_segments(segments, state.words, state.touched)
    return Corrected(tuple(words_now), tuple(segments_now), tuple(state.turns), tuple(conflicts))


def recount(transcript: Transcript) -> Transcript:
    """Count each speaker's words, segments and seconds anew; UNKNOWN has a row where somebody is so."""
    labels = {w.speaker for w in transcript.words} | {t.speaker for t in transcript.turns}
    rows = {s.label: s for s in transcript.speakers if s.label != UNKNOWN or UNKNOWN in labels}
    for label in sorted(labels - rows.keys() - {None}, key=str):
        rows[str(label)] = Speaker(str(label), 0.0, 0, 0, 0.0, 0.0)
    return replace(transcript, speakers=tuple(_recount(row, transcript) for row in rows.values()))


def _recount(row: Speaker, transcript: Transcript) -> Speaker:
    own_turns = [t.span for t in transcript.turns if t.speaker == row.label]
    own_words = [w.span for w in transcript.words if w.speaker == row.label]
    spans = own_turns + own_words
    return replace(
        row,
        turn_s=sum((s.duration_s for s in own_turns), 0.0),
        num_words=len(own_words),
        num_segments=sum(s.speaker == row.label for s in transcript.segments),
        first_s=min((s.start_s for s in spans), default=row.first_s),
        last_s=max((s.end_s for s in spans), default=row.last_s),
    )


@dataclass(slots=True)
class _State:
    """Words and turns while facts are applied; the facts' spans, merged; segments to build anew; the next free index
    of one."""

    words: list[Word]
    turns: list[Turn]
    spans: Sequence[Span]
    touched: set[int]
    next_segment: int

    def change_words(self, fact: Fact) -> str | None:
        """Apply a fact on words; return what the machine says instead where that is a third thing, else None."""
        was_label = find_label(fact.was_voice, self.turns)
        label = find_label(fact.voice, self.turns)
        region = find_region(self.words, fact, was_label, self.spans)
        if fact.now is None and label is not None:
            return self._change_speaker(fact, region, was_label, label)
        old = [self.words[i] for i in region.places]
        said = join_words(old)
        new = make_words(fact, old, self._nearest(fact)) if fact.now else []
        speaker = label or (None if old else was_label)
        if speaker is not None:
            new = [_give(w, speaker) for w in new]
        self._replace(region.places, new)
        if old and fact.now == "":
            self.turns = cut_turns(self.turns, fact.span, {w.speaker for w in old}, old[0].channel)
        elif new and label is not None:
            held = {w.speaker for w in old} or {was_label}
            self.turns = give_turns(self.turns, fact.span, held, new[0].channel, label)
        return said if region.says == "other" and fact.now != said else None

    def move_border(self, fact: Fact) -> None:
        """Split the segment in the middle of the span, or join those on both sides."""
        label = find_label(fact.was_voice, self.turns)
        near = list_near(self.words, fact.span.grow(30.0))
        own = [i for i in near if label is None or self.words[i].speaker == label] or near
        left = [i for i in own if self.words[i].middle_s <= fact.span.middle_s]
        right = [i for i in own if self.words[i].middle_s > fact.span.middle_s]
        if not left or not right:
            return
        one, other = self.words[left[-1]], self.words[right[0]]
        if fact.action == "split" and one.segment == other.segment:
            last = self._find_places(one.segment)
            self._renumber([i for i in last if self.words[i].middle_s > fact.span.middle_s], self.next_segment)
            self.touched |= {one.segment, self.next_segment}
            self.next_segment += 1
        elif fact.action == "join" and one.segment != other.segment and _is_joinable(one, other, fact):
            self.touched |= {one.segment, other.segment}
            self._renumber(self._find_places(other.segment), one.segment)

    def _change_speaker(self, fact: Fact, region: Region, was_label: str | None, label: str) -> str | None:
        places = region.places or [i for i in list_near(self.words, fact.span) if self.words[i].speaker == label]
        old = [self.words[i] for i in places]
        held = {w.speaker for w in old}
        self._replace(places, [_give(w, label) for w in old])
        channel = old[0].channel if old else 0
        self.turns = give_turns(self.turns, fact.span, held or {was_label}, channel, label)
        third = held - {was_label, label} if was_label is not None else set()
        return ", ".join(sorted(map(str, third))) or None

    def _replace(self, places: Sequence[int], new: Sequence[Word]) -> None:
        if any(w.segment < 0 for w in new):
            new = [replace(w, segment=self.next_segment) if w.segment < 0 else w for w in new]
            self.next_segment += 1
        self.touched |= {self.words[i].segment for i in places} | {w.segment for w in new}
        self.touched.discard(-1)
        for i in sorted(places, reverse=True):
            del self.words[i]
        for word in new:  # not sorted anew: a day has 200,000 words, and may have a thousand facts
            insort(self.words, word, key=_order)

    def _renumber(self, places: Sequence[int], segment: int) -> None:
        for i in places:
            self.words[i] = replace(self.words[i], segment=segment)

    def _find_places(self, segment: int) -> list[int]:
        return [i for i, word in enumerate(self.words) if word.segment == segment]

    def _nearest(self, fact: Fact) -> Word | None:
        """The word nearest to a span in time, without its segment."""
        near = list_near(self.words, fact.span.grow(30.0)) or range(len(self.words))
        found = min((self.words[i] for i in near), key=lambda w: fact.span.distance_s(w.middle_s), default=None)
        return found and replace(found, segment=-1)


def _order(word: Word) -> tuple[float, float, str]:
    return word.start_s, word.end_s, word.speaker or ""


def _give(word: Word, label: str) -> Word:
    return word if word.speaker == label else replace(word, speaker=label, speaker_confidence=None, edited=True)


def _is_joinable(one: Word, other: Word, fact: Fact) -> bool:
    """Whether these are still the words on both sides of the border, of one speaker."""
    away_s = max(fact.span.start_s - one.end_s, other.start_s - fact.span.end_s)
    return (one.speaker, one.channel) == (other.speaker, other.channel) and away_s <= REACH_S


def _covers(later: Fact, fact: Fact) -> bool:
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
