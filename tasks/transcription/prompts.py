"""Notice where an engine gives back its prompt or its hotwords instead of what is said.

Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tasks.engines.protocols import RawWord
from tasks.intervals import Span
from tasks.joining import weigh_word
from tasks.transcription.hypothesis import Hypothesis
from tasks.transcription.words import DecodedWord, clean_words
from tasks.word_forms import to_repetition_form

MIN_ECHO = 4
"""Words that an echo has at least: a name or two of the hotwords are what they are for."""
MIN_SHARE = 0.8
"""Share of a text's words that the prompt has too, from which the text may be an echo."""
MIN_AGREEMENT = 0.5
"""Share of the words of an echo that a decoding without the prompt must have in common with it: then they were
said."""

_ANY = Span(0.0, 1.0)


def echoes_prompt(words: Sequence[DecodedWord], prompt: str) -> bool:
    """Check whether nearly all words of a text are words of the prompt.

    >>> said = [DecodedWord(i, i + 0.5, text) for i, text in enumerate("Kubernetes, Grafana, Istio, Helm".split())]
    >>> echoes_prompt(said, "Helm Istio Kubernetes Grafana Terraform"), echoes_prompt(said[:2], "Kubernetes Grafana")
    (True, False)
    """
    known = _count(w.text for w in _divide(prompt))
    if not known or sum(map(weigh_word, words)) < MIN_ECHO:
        return False
    shared = sum(to_repetition_form(w.text) in known for w in words)
    return shared >= MIN_SHARE * len(words)


def choose_without_prompt(echo: Hypothesis, without: Hypothesis) -> Hypothesis:
    """Choose between a text that may be an echo and what was decoded without the prompt: the first where both agree,
    for its spelling; otherwise the second, unless it has no words or the first is far surer."""
    one, other = (_count(w.text for w in h.words) for h in (echo, without))
    if (one & other).total() >= MIN_AGREEMENT * max(one.total(), other.total()):
        return echo
    if not without.words or without.is_unsure or without.is_repetitive:
        return min(echo, without, key=lambda h: h.worse_key)
    return without


def _divide(prompt: str) -> list[DecodedWord]:
    """Divide a prompt into words as an engine's text is: letters, in scripts without blanks."""
    text = re.sub(r"[,;](?!\d)|[、，；،]", r"\g<0> ", prompt)
    pieces = [RawWord(start=None, end=None, word=f" {t}", probability=None, stretch=0) for t in text.split()]
    return clean_words(pieces, [_ANY], _ANY)


def _count(texts: Iterable[str]) -> Counter[str]:
    return Counter(to_repetition_form(t) for t in texts)
