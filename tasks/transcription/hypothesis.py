"""A hypothesis of what is said in a window: how far to trust it, and which of two to keep. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from tasks.transcription.hallucinations import (
    collapse_loops,
    confirm_repetitions,
    find_loops,
    is_repetitive_speech,
)
from tasks.transcription.rates import is_sayable
from tasks.transcription.words import DecodedWord
from tasks.word_forms import to_repetition_form

MIN_LOGPROB = -0.8
"""Mean log probability of a text below which it is decoded again. Whisper's own decoder takes -1; speech in noise as
loud as half of it has -0.7 to -0.3, text invented on babble or speech played backwards -1.6 to -0.8."""
MIN_CONFIDENCE = 0.55
"""Mean confidence of different words below which an unsure text is taken as invented."""
LEAST_CONFIDENCE = 0.45
"""Mean confidence of different words below which any text is taken as invented, but for a loop: one occurrence of it
may be right."""
SURE_CONFIDENCE = 0.65
"""Mean confidence of different words from which a text is kept without another decoding that agrees with it. On
babble of six readers and speech played backwards, texts that none of the other limits finds have 0.45 to 0.6; so has
speech in noise as loud as itself."""
MIN_AGREEMENT = 0.45
"""Share of words that two decodings of a window must have in common for a text below `SURE_CONFIDENCE` to be kept.
Speech in noise as loud as itself has 0.53 to 1, invented texts 0 to 0.41 (Whisper base, batched and in order)."""
MIN_AGREEMENT_ANEW = 0.7
"""That share where a text was dropped before: any sound that is decoded often enough has a text that looks less
unsure."""
MAX_NO_SPEECH = 0.6
"""Probability of no speech above which an unsure text is none (Whisper's own threshold)."""
MIN_TRANSLATED_LOGPROB = -1.2
"""Mean log probability of a translation below which it is taken as invented. It is shared among many right wordings:
sentences that Whisper base translates well have -1.0 to -0.8, what it makes of speech played backwards -1.7 to -1."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The words decoded from one window, their mean log probability (0 without words), and the engine's probability
    that nobody speaks. `is_disputed`: another decoding of the window has other words. `pieces`: of a window that was
    decoded in pieces."""

    words: tuple[DecodedWord, ...]
    logprob: float
    no_speech: float = 0.0
    is_disputed: bool = False
    pieces: tuple[Hypothesis, ...] = ()

    @property
    def is_unsure(self) -> bool:
        return bool(self.words) and self.logprob < MIN_LOGPROB

    @property
    def is_invented(self) -> bool:
        """Whether the text is more likely wrong than right: what an engine makes of sounds that are no speech."""
        if self.is_disputed:
            return True
        if self.is_unsure:
            return self.no_speech > MAX_NO_SPEECH or self.confidence < MIN_CONFIDENCE
        return bool(self.words) and self.confidence < LEAST_CONFIDENCE and not self.is_repetitive

    @property
    def is_doubtful(self) -> bool:
        """Whether the text is to be kept only if a second decoding has the same words."""
        return bool(self.words) and self.confidence < SURE_CONFIDENCE and not self.is_invented

    @property
    def is_sure(self) -> bool:
        """Whether the text needs no other decoding that has the same words."""
        return self.confidence >= SURE_CONFIDENCE and self.is_sayable and not (self.is_unsure or self.is_repetitive)

    @property
    def is_invented_translation(self) -> bool:
        """Whether a translation into English is more likely wrong than right; its confidence tells less of that."""
        if self.is_unsure and self.no_speech > MAX_NO_SPEECH:
            return True
        return bool(self.words) and self.logprob < MIN_TRANSLATED_LOGPROB

    @property
    def confidence(self) -> float:
        """The mean confidence of the different words, each where it comes first: a word that repeats the text before
        it is sure of itself, right or wrong. Of an engine that gives none, the probability by the logarithm."""
        sure = math.exp(self.logprob)
        firsts = {to_repetition_form(w.text): w for w in reversed(self.words)}.values()
        return sum(sure if w.confidence is None else w.confidence for w in firsts) / max(1, len(firsts))

    @property
    def is_repetitive(self) -> bool:
        return is_repetitive_speech(self.words)

    @property
    def is_sayable(self) -> bool:
        return is_sayable(self.words)

    @property
    def has_shared_times(self) -> bool:
        """Whether it has words, and their times are shares of the speech, by length."""
        return bool(self.words) and all(w.times == "fast" for w in self.words)

    @property
    def gain(self) -> float:
        """The expected number of right words less that of wrong ones: comparable between ways of decoding, unlike
        the log probability, which time tokens lower, and aware of what was dropped."""
        return len(self.words) * (2 * self.confidence - 1)

    @property
    def worse_key(self) -> tuple[bool, bool, float]:
        """Sort key, larger is worse: no words, then repetitions or rates that nobody can say, then the gain."""
        return not self.words, self.is_repetitive or not self.is_sayable, -self.gain


def concatenate(pieces: Sequence[Hypothesis]) -> Hypothesis:
    """Join the hypotheses of pieces. An invented one is dropped by itself: its doubt would cost the others their
    words."""
    pieces = [p for p in pieces if not p.is_invented] or pieces
    words = tuple(w for piece in pieces for w in piece.words)
    count = max(1, len(words))
    return Hypothesis(
        words,
        sum(p.logprob * len(p.words) for p in pieces) / count,
        sum(p.no_speech * len(p.words) for p in pieces) / count,
        pieces=tuple(pieces),
    )


def measure_agreement(first: Sequence[DecodedWord], second: Sequence[DecodedWord]) -> float:
    """The share of words, 0–1, that two decodings have in common in the same order, loops counted once.

    >>> one, other = ([DecodedWord(i, i + 1, w) for i, w in enumerate(text.split())] for text in ("a b c", "B, c d"))
    >>> round(measure_agreement(one, other), 2)
    0.67
    """
    one, other = (
        [to_repetition_form(w.text) for w in collapse_loops(words, find_loops([w.text for w in words]))]
        for words in (first, second)
    )
    if not one and not other:
        return 1.0
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return 2 * sum(b.size for b in blocks) / (len(one) + len(other))


def dispute(hypothesis: Hypothesis, other: Hypothesis, least: float = MIN_AGREEMENT) -> Hypothesis:
    """Dispute a text that agrees less than `least` with another decoding of its window: what is left are the sure
    pieces of a window that was decoded in pieces, else the text marked as disputed."""
    if measure_agreement(hypothesis.words, other.words) >= least:
        return hypothesis
    sure = [piece for piece in hypothesis.pieces if piece.is_sure]
    return concatenate(sure) if sure else replace(hypothesis, is_disputed=True)


def reconcile(first: Hypothesis, again: Hypothesis) -> tuple[Hypothesis, bool]:
    """Choose between two hypotheses of a window with repetitions; return it, and whether its loops remain doubtful.

    Repetitions that both contain are kept. Otherwise the second is chosen if it has words and no loop, else the
    better by `worse_key`.
    """
    if not again.is_unsure and confirm_repetitions(first.words, again.words):
        return max(first, again, key=lambda h: h.logprob), False
    if again.words and not again.is_repetitive:
        return again, True
    return min(first, again, key=lambda h: h.worse_key), True
