"""What corrections say of the machine's words: which were wrong, which right, and how many were missing."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tasks.corrections.facts import Fact
from tasks.corrections.locate import find_label, find_region
from tasks.corrections.tokens import compare_form, split_text
from tasks.intervals import Span
from tasks.records import Turn, Word


class JudgedWords(NamedTuple):
    """`wrong`: by the word's place, whether it is; words that nobody judged are not in it. `missing`: words added."""

    wrong: dict[int, bool]
    missing: int


def judge_words(words: Sequence[Word], turns: Sequence[Turn], facts: Sequence[Fact]) -> JudgedWords:
    """Compare the machine's words (sorted by start) with the texts of facts, in the order in which they were entered;
    of several about the same words the last counts."""
    wrong: dict[int, bool] = {}
    missing: dict[int, int] = {}
    for fact in list_texts(facts):
        places = find_region(words, fact, find_label(fact.was_voice, turns)).places
        was = [compare_form(words[i].text) for i in places]
        now = [compare_form(token.text) for token in split_text(fact.now or "")]
        at = places[0] if places else -1 - fact.number
        for place in places:
            missing.pop(place, None)
        missing[at] = 0
        for kind, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
            wrong |= dict.fromkeys(places[a:b], kind != "equal")
            missing[at] += max(0, (d - c) - (b - a))
    return JudgedWords(wrong, sum(missing.values()))


def list_texts(facts: Sequence[Fact]) -> list[Fact]:
    """The facts that say what is spoken; also that it is what was there."""
    return [f for f in sorted(facts, key=lambda f: f.number) if f.action == "words" and f.now is not None]


def list_judged_spans(facts: Sequence[Fact]) -> list[Span]:
    """Where people have said what is spoken."""
    return [f.span for f in list_texts(facts)]
