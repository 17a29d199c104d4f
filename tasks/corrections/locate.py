"""Find what a fact is about in what a run gave: times, words and labels may be others than when it was entered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from tasks.corrections.facts import Fact, Voice
from tasks.corrections.tokens import compare_form, split_text
from tasks.intervals import Span, intersect, measure_union_s
from tasks.joining import join_words
from tasks.records import UNKNOWN, Turn, Word

REACH_S = 0.6
"""Seconds by which a run may place the words of a span otherwise than another."""
LONGEST_WORD_S = 30.0
"""Words that began earlier than this before a span are not looked for in it."""
MOST_BEYOND = 3
"""Words beyond the span that may belong to it on either side."""
JOINED_S = 0.2
"""Words that are at most so far apart follow without a pause."""
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


def find_region(words: Sequence[Word], fact: Fact, label: str | None, others: Sequence[Span] = ()) -> Region:
    """Find the words of a fact among `words`, sorted by start; `label`: of who spoke them.

    First a run of words that says what was there or what is there now, near its time; else what lies in the span:
    the speaker's words, or others' that resemble it, with words just beyond it that stand for some of the fact's;
    not in `others`, sorted and disjoint: what other facts are about.
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
    free = [i for i in (near if label is None else own) if not _is_in(words[i].middle_s, others)]
    return Region(_extend(words, ours, free, fact), "other" if ours or fact.was else "was")


def _extend(words: Sequence[Word], ours: Sequence[int], places: Sequence[int], fact: Fact) -> list[int]:
    """The places with the neighbours that stand for what was or is said: another run may place them a little beyond
    the span, and they would be there twice."""
    if not ours:
        return list(ours)
    texts = [[compare_form(t.text) for t in split_text(text)] for text in (fact.was, fact.now or "") if text]
    before = [i for i in reversed(places) if i < ours[0]][:MOST_BEYOND]
    after = [i for i in places if i > ours[-1]][:MOST_BEYOND]
    ours = [*ours, *_choose_beyond(words, ours, after, texts)]
    backwards = [text[::-1] for text in texts]
    return [*reversed(_choose_beyond(words, ours[::-1], before, backwards)), *ours]


def _choose_beyond(
    words: Sequence[Word], ours: Sequence[int], beyond: Sequence[int], texts: Sequence[Sequence[str]]
) -> Sequence[int]:
    """The first of the places `beyond` the end of `ours` that belong to it; all may be given backwards.

    As many as give the most words of a text. Then, where the text's last words are not found, no more than these, if
    they follow without a pause and one comes after them: the machine heard something else there.
    """
    forms = {i: compare_form(words[i].text) for i in (*ours, *beyond)}

    def match(count: int, text: Sequence[str]) -> tuple[int, int]:
        """(words in common, less the words of the text that come after the last of these)."""
        said = [forms[i] for i in (*ours, *beyond[:count])]
        *blocks, _ = SequenceMatcher(None, said, text, autojunk=False).get_matching_blocks()
        ends = max((block.b + block.size for block in blocks), default=0)
        return sum(block.size for block in blocks), ends - len(text)

    found = [(*match(count, text), -count) for text in texts for count in range(len(beyond) + 1)]
    _, missing, fewest = max(found, key=lambda each: (each[0], each[2]))
    sure = -fewest
    for count in range(sure + 1, min(len(beyond), sure - missing) + 1):
        run = [ours[-1], *beyond[:count]]
        if any(_is_pause(words, a, b) for a, b in pairwise(run)):
            break
        if (following := _find_next(words, run)) is None or _is_pause(words, run[-1], following):
            return beyond[:count]
    return beyond[:sure]


def _find_next(words: Sequence[Word], run: Sequence[int]) -> int | None:
    """The speaker's next word in the direction of a run of places, within reach of a pause."""
    step = 1 if run[-1] > run[0] else -1
    last = words[run[-1]]
    for i in range(run[-1] + step, len(words) if step > 0 else -1, step):
        if abs(words[i].start_s - last.start_s) > LONGEST_WORD_S:
            return None
        if words[i].speaker == last.speaker:
            return i
    return None


def _is_in(at_s: float, merged: Sequence[Span]) -> bool:
    place = bisect_left(merged, at_s, key=lambda span: span.end_s)
    return place < len(merged) and at_s in merged[place]


def _is_pause(words: Sequence[Word], one: int, other: int) -> bool:
    first, second = sorted((one, other))
    return words[second].start_s - words[first].end_s > JOINED_S


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
