"""Make the words of a corrected text from those that were there: what stays keeps its time, the rest shares it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from tasks.alignment.place import Times, place_words
from tasks.corrections.facts import Fact
from tasks.corrections.tokens import Token, compare_form, split_text
from tasks.intervals import Span
from tasks.records import Word


def make_words(fact: Fact, old: Sequence[Word], like: Word | None) -> list[Word]:
    """The words of `fact.now`, in the place of `old`; they are `edited` where their text is another.

    Times: those of the fact, found by an aligner; else a word that stays, or one that stands for one other, keeps its
    own, and the others share the time between (fast). `like`: a word nearby, for what is known of none of `old`.
    """
    tokens = split_text(fact.now or "")
    pairs = match_words(old, tokens)
    blank = Word(
        fact.span.start_s,
        fact.span.end_s,
        "",
        chunk=like.chunk if like else 0,
        channel=like.channel if like else 0,
        language=like.language if like else None,
    )
    out: list[Word] = []
    for token, place in zip(tokens, pairs, strict=True):
        model = old[place] if place is not None else _choose_model(old, out) or blank
        same = place is not None and model.text == token.text
        word = replace(model, text=token.text, space_before=token.space_before, edited=model.edited or not same)
        if not same:
            word = replace(word, heard=None)
        if place is None or compare_form(model.text) != compare_form(token.text):
            word = replace(word, confidence=None)
        out.append(word)
    return _place(fact, out, pairs, old)


def match_words(old: Sequence[Word], tokens: Sequence[Token]) -> list[int | None]:
    """For each new word the place of the old one that it is, or that it alone stands for; None for the others."""
    forms = [compare_form(w.text) for w in old], [compare_form(t.text) for t in tokens]
    pairs: list[int | None] = [None] * len(tokens)
    for kind, a, b, c, d in SequenceMatcher(None, *forms, autojunk=False).get_opcodes():
        if kind == "equal" or (kind == "replace" and b - a == d - c):
            pairs[c:d] = range(a, b)
    return pairs


def _choose_model(old: Sequence[Word], before: Sequence[Word]) -> Word | None:
    """The word whose facts a new one takes over: the one before it, or the first that was there."""
    return before[-1] if before else old[0] if old else None


def _place(fact: Fact, words: Sequence[Word], pairs: Sequence[int | None], old: Sequence[Word]) -> list[Word]:
    texts = [w.text for w in words]
    known_spans = [w.span for w in old] + (list(fact.times) if len(fact.times) == len(words) else [])
    stretch = Span(
        min([fact.span.start_s, *(s.start_s for s in known_spans)]),
        max([fact.span.end_s, *(s.end_s for s in known_spans)]),
    )
    if len(fact.times) == len(words):
        found: list[Times] = [(s.start_s, s.end_s) for s in fact.times]
        placed = place_words(found, texts, stretch, "aligned")
        return [
            replace(w, start_s=span.start_s, end_s=span.end_s, times=way)
            for w, (span, way) in zip(words, placed, strict=True)
        ]
    known: list[Times] = [(None, None) if p is None else (old[p].start_s, old[p].end_s) for p in pairs]
    placed = place_words(known, texts, stretch, "engine", [w.span for w in old])
    return [
        replace(w, start_s=span.start_s, end_s=span.end_s, times=way if p is None else old[p].times)
        for w, p, (span, way) in zip(words, pairs, placed, strict=True)
    ]
