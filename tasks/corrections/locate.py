"""Find what a fact is about in what a run gave: times, words and labels may be others than when it was entered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tasks.corrections.facts import Fact, Voice
from tasks.corrections.tokens import compare_form
from tasks.intervals import Span, intersect, measure_union_s
from tasks.joining import join_words
from tasks.records import UNKNOWN, Turn, Word

REACH_S = 0.6
"""Seconds by which a run may place the words of a span otherwise than another."""
LONGEST_WORD_S = 30.0
"""Words that began earlier than this before a span are not looked for in it."""
MIN_LIKENESS = 0.3
"""Words of other speakers are taken for those of a fact if so much of them (0–1) is the same."""


class Region(NamedTuple):
    """Places of the words that a fact is about, and whether they are what it expects: `was`, `now` or neither."""

    places: list[int]
    says: str
    """was, now or other."""


def find_label(voice: Voice | None, turns: Sequence[Turn]) -> str | None:
    """The label of a voice among these turns: of who speaks most in its spans; None where there is no voice."""
    if voice is None:
        return None
    if voice.label == UNKNOWN:
        return UNKNOWN
    spoken: dict[str, float] = {}
    for turn in turns:
        if common := measure_union_s(intersect([turn.span], voice.spans)):
            spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + common
    if spoken:
        return max(sorted(spoken), key=lambda label: spoken[label])
    return voice.label if any(t.speaker == voice.label for t in turns) else UNKNOWN


def find_region(words: Sequence[Word], fact: Fact, label: str | None) -> Region:
    """Find the words of a fact among `words`, sorted by start; `label`: of who spoke them.

    First a run of words that says what was there or what is there now, near its time; else what lies in the span:
    the speaker's words, or others' that resemble it.
    """
    near = list_near(words, fact.span.grow(REACH_S))
    own = [i for i in near if words[i].speaker == label]
    wanted = [("was", compare_form(fact.was)), ("now", compare_form(fact.now or ""))]
    for places in (own, near):
        for says, form in wanted:
            if form and (run := _find_run(words, places, form, fact.span)):
                return Region(run, says)
    inside = [i for i in near if words[i].middle_s in fact.span]
    ours = [i for i in inside if words[i].speaker == label]
    if not ours and (label is None or _resembles(words, inside, fact)):
        ours = inside
    return Region(
        _extend(words, ours, own if label is not None else near, fact), "other" if ours or fact.was else "was"
    )


def _extend(words: Sequence[Word], ours: Sequence[int], places: Sequence[int], fact: Fact) -> list[int]:
    """The places with the neighbour on each side that is the first or last word of what was or is said: another run
    may place it a little beyond the span, and it would be there twice."""
    out = list(ours)
    texts = [text.split() for text in (fact.was, fact.now or "") if text.split()]
    firsts, lasts = ({compare_form(text[k]) for text in texts} for k in (0, -1))
    if out:
        before = [i for i in places if i < out[0]][-1:]
        after = [i for i in places if i > out[-1]][:1]
        forms = [compare_form(words[i].text) for i in (out[0], out[-1])]
        if before and compare_form(words[before[0]].text) in firsts and forms[0] not in firsts:
            out = before + out
        if after and compare_form(words[after[0]].text) in lasts and forms[1] not in lasts:
            out += after
    return out


def list_near(words: Sequence[Word], span: Span) -> list[int]:
    """Places of the words whose middle lies in the span."""
    first = bisect_left(words, span.start_s - LONGEST_WORD_S, key=lambda w: w.start_s)
    last = bisect_left(words, span.end_s, key=lambda w: w.start_s)
    return [i for i in range(first, last) if words[i].middle_s in span]


def _find_run(words: Sequence[Word], places: Sequence[int], form: str, span: Span) -> list[int]:
    """The run of `places` whose text has this form, nearest to the span; empty where there is none."""
    forms = [compare_form(words[i].text) for i in places]
    best: tuple[float, list[int]] | None = None
    for first in range(len(places)):
        text = ""
        for last in range(first, len(places)):
            text += forms[last]
            if text == form:
                run = list(places[first : last + 1])
                away = abs(words[run[0]].start_s - span.start_s) + abs(words[run[-1]].end_s - span.end_s)
                if best is None or away < best[0]:
                    best = away, run
                break
            if not form.startswith(text):
                break
    return best[1] if best else []


def _resembles(words: Sequence[Word], places: Sequence[int], fact: Fact) -> bool:
    said = compare_form(join_words([words[i] for i in places]))
    return any(
        SequenceMatcher(None, said, compare_form(text), autojunk=False).ratio() >= MIN_LIKENESS
        for text in (fact.was, fact.now or "")
        if text
    )
