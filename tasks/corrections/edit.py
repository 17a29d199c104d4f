"""Change words, speakers and borders of segments as one fact after another says. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tasks.corrections.facts import Fact
from tasks.corrections.locate import REACH_S, Region, find_label, find_region, list_near
from tasks.corrections.new_words import make_words
from tasks.corrections.turns import cut_turns, give_turns
from tasks.intervals import Span
from tasks.joining import join_words
from tasks.records import Segment, Turn, Word

AROUND_S = 30.0
"""Seconds around a span in which the words on both sides of a border are looked for, and the nearest word."""


@dataclass(slots=True)
class Edit:
    """The words and turns of a transcript while facts are applied to them."""

    words: list[Word]
    """Sorted by start."""
    turns: list[Turn]
    spans: Sequence[Span]
    """Of all facts, merged."""
    next_segment: int
    """The next free index of a segment."""
    touched: set[int] = field(default_factory=set)
    """Indices of segments to build anew."""

    @classmethod
    def begin(
        cls, words: Sequence[Word], segments: Sequence[Segment], turns: Sequence[Turn], spans: Sequence[Span]
    ) -> Edit:
        """Begin with the machine's words, segments and turns; `spans`: of all facts, merged."""
        next_segment = 1 + max([-1, *(s.index for s in segments)])
        return cls(sorted(words, key=_order), list(turns), spans, next_segment)

    def change_words(self, fact: Fact) -> str | None:
        """Apply a fact on words. Return what the machine says, where that is neither what the fact replaces nor what
        it says; else None."""
        was_label = find_label(fact.was_voice, self.turns)
        label = find_label(fact.voice, self.turns)
        region = find_region(self.words, fact, was_label, self.spans)
        if fact.now is None and label is not None:
            return self._change_speaker(fact, region, was_label, label)
        old = [self.words[i] for i in region.places]
        said = join_words(old)
        new = make_words(fact, old, self._find_nearest(fact)) if fact.now else []
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
        """Apply a fact on a border: split the segment in the middle of the span, or join those on both sides."""
        label = find_label(fact.was_voice, self.turns)
        near = list_near(self.words, fact.span.grow(AROUND_S))
        own = [i for i in near if label is None or self.words[i].speaker == label] or near
        left = [i for i in own if self.words[i].middle_s <= fact.span.middle_s]
        right = [i for i in own if self.words[i].middle_s > fact.span.middle_s]
        if not left or not right:
            return
        one, other = self.words[left[-1]], self.words[right[0]]
        if fact.action == "split" and one.segment == other.segment:
            places = self._find_places(one.segment)
            self._renumber([i for i in places if self.words[i].middle_s > fact.span.middle_s], self.next_segment)
            self.touched |= {one.segment, self.next_segment}
            self.next_segment += 1
        elif fact.action == "join" and one.segment != other.segment and _is_joinable(one, other, fact):
            self.touched |= {one.segment, other.segment}
            self._renumber(self._find_places(other.segment), one.segment)

    def _change_speaker(self, fact: Fact, region: Region, was_label: str | None, label: str) -> str | None:
        """Give the words and the turn to `label`; return the labels that the machine says instead of `was_label`."""
        places = region.places or [i for i in list_near(self.words, fact.span) if self.words[i].speaker == label]
        old = [self.words[i] for i in places]
        held = {w.speaker for w in old}
        self._replace(places, [_give(w, label) for w in old])
        channel = old[0].channel if old else 0
        self.turns = give_turns(self.turns, fact.span, held or {was_label}, channel, label)
        others = held - {was_label, label} if was_label is not None else set()
        return ", ".join(sorted(map(str, others))) or None

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

    def _find_nearest(self, fact: Fact) -> Word | None:
        """Find the word nearest to a fact in time; return it without its segment."""
        near = list_near(self.words, fact.span.grow(AROUND_S)) or range(len(self.words))
        found = min((self.words[i] for i in near), key=lambda w: fact.span.distance_s(w.middle_s), default=None)
        return found and replace(found, segment=-1)


def _order(word: Word) -> tuple[float, float, str]:
    return word.start_s, word.end_s, word.speaker or ""


def _give(word: Word, label: str) -> Word:
    return word if word.speaker == label else replace(word, speaker=label, speaker_confidence=None, edited=True)


def _is_joinable(one: Word, other: Word, fact: Fact) -> bool:
    """Whether these are still the words on both sides of the fact's border, and of one speaker."""
    away_s = max(fact.span.start_s - one.end_s, other.start_s - fact.span.end_s)
    return (one.speaker, one.channel) == (other.speaker, other.channel) and away_s <= REACH_S
