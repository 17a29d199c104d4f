"""Decode windows of speech with an engine, and again where the first hypothesis may be wrong.

Pure but for `Decoder.ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.protocols import RawWord
from tasks.intervals import Span, clip
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.hallucinations import (
    collapse_loops,
    confirm_repetitions,
    find_loops,
    is_repetitive_speech,
)
from tasks.transcription.options import Options
from tasks.transcription.rates import is_sayable
from tasks.transcription.speech import Packing, Window, cut_at_quietest, pack_windows
from tasks.transcription.words import DecodedWord, clean_words
from tasks.word_forms import to_repetition_form

MIN_LOGPROB = -0.8
"""Mean log probability of a text below which it is decoded again. Whisper's own decoder takes -1; speech in noise as
loud as half of it has -0.7 to -0.3, text invented on babble or speech played backwards -1.6 to -0.8."""
MIN_CONFIDENCE = 0.55
"""Mean confidence of different words below which an unsure text is taken as invented."""
LEAST_CONFIDENCE = 0.45
"""The same, below which any text is, but for loops, of which one occurrence may be right."""
SURE_CONFIDENCE = 0.65
"""The same, from which a text needs no other decoding that agrees with it. On babble of six readers and speech played
backwards, texts that none of the other limits finds have 0.45 to 0.6; so has speech in noise as loud as itself."""
MIN_AGREEMENT = 0.45
"""Share of words that two decodings of a window must have in common where the text is less sure than that. Speech in
noise as loud as itself has 0.53 to 1, such texts 0 to 0.41 (Whisper base, batched and in order)."""
MIN_AGREEMENT_ANEW = 0.7
"""The same where a text was dropped before: sound that is decoded often enough has a text that looks less unsure."""
MAX_NO_SPEECH = 0.6
"""Probability of no speech above which an unsure text is none (Whisper's own threshold)."""
MIN_TRANSLATED_LOGPROB = -1.2
"""Mean log probability of a translation below which it is taken as invented. It is shared among many right wordings:
sentences that Whisper base translates well have -1.0 to -0.8, what it makes of speech played backwards -1.7 to -1."""
LEAST_PROBABILITY = 0.001
"""Of a word, where the probability of its text is estimated from those of its words."""
MIN_PIECE_S = 1.0

EngineCall = Callable[..., Any]


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
        """The same of English that stands for other speech, whose confidence tells less."""
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


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes windows of 16 kHz mono `samples`, shape (n,), through one engine, in one language (None: the engine
    finds it)."""

    samples: NDArray[np.float32]
    language: str | None
    ask: EngineCall

    @property
    def within(self) -> Span:
        return Span(0.0, len(self.samples) / SAMPLE_RATE_HZ)

    def decode(self, windows: Sequence[Window], options: Options) -> list[Hypothesis]:
        """Decode each window in one call of the engine; one hypothesis per window."""
        if not windows:
            return []
        sound, stretches = self._lay_out(windows)
        raw: Sequence[RawWord] = self.ask(
            "transcribe", sound, [(s.start_s, s.end_s) for s in stretches], self.language, options
        )
        out = []
        for i, (window, stretch) in enumerate(zip(windows, stretches, strict=True)):
            mine = [_place(w, window, stretch) for w in raw if w["stretch"] == i]
            words = clean_words(mine, [window.span], self.within, window.pieces)
            if mine and all(w.get("shared", False) for w in mine):
                words = [replace(w, times="fast") for w in words]
            logprob = _average([estimate_logprob(w) for w in mine])
            out.append(Hypothesis(tuple(words), logprob, _average([w.get("no_speech_prob", 0.0) for w in mine])))
        return out

    def decode_in_pieces(
        self, windows: Sequence[Window], speech: Sequence[Span], options: Options
    ) -> list[Hypothesis]:
        """Decode each window in two or more pieces, cut at pauses where there are any; one hypothesis per window.

        A loop continues from the text before it, so separate pieces do not reproduce it; repetitions that were
        spoken are found again.
        """
        cut = cut_at_quietest(self.samples)
        pieces = []
        for window in windows:
            mine = [s for piece in window.pieces for s in clip(speech, piece)]
            # Less than half of what is spoken and its pauses, but for the room at both ends.
            length = sum(s.duration_s for s in mine) + sum(
                min(b.start_s - a.end_s, 1.0) for a, b in itertools.pairwise(mine)
            )
            packing = Packing(max(MIN_PIECE_S, length / 2 + 0.3), kept_pause_s=0.5, pad_s=0.1)
            pieces.append(pack_windows(mine, window.span, packing, cut))
        hypotheses = iter(self.decode([piece for some in pieces for piece in some], options))
        return [_concatenate([next(hypotheses) for _ in some]) for some in pieces]

    def _lay_out(self, windows: Sequence[Window]) -> tuple[NDArray[np.float32], list[Span]]:
        """Lay the windows' sound out: those of one piece lie in the samples, the others are put behind them."""
        sound, at = [self.samples], len(self.samples)
        stretches = []
        for window in windows:
            if len(window.pieces) == 1:
                stretches.append(window.span)
                continue
            first = at
            for piece in window.pieces:
                part = self.samples[round(piece.start_s * SAMPLE_RATE_HZ) : round(piece.end_s * SAMPLE_RATE_HZ)]
                sound.append(part)
                at += len(part)
            stretches.append(Span(first / SAMPLE_RATE_HZ, at / SAMPLE_RATE_HZ))
        return (np.concatenate(sound) if len(sound) > 1 else self.samples), stretches


def estimate_logprob(word: RawWord) -> float:
    """The mean log probability of the text that a word is in; of engines that don't tell it, that of the word; 0, for
    no doubt, of those that tell neither.

    >>> estimate_logprob(RawWord(start=0.0, end=0.1, word=" a", probability=0.5, stretch=0)) == math.log(0.5)
    True
    """
    told = word.get("avg_logprob", math.nan)
    if not math.isnan(told):
        return told
    probability = word["probability"]
    if probability is None or math.isnan(probability):
        return 0.0
    return math.log(min(1.0, max(LEAST_PROBABILITY, probability)))


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _place(word: RawWord, window: Window, stretch: Span) -> RawWord:
    """Convert an engine's word from the time of the laid out sound to that of the samples."""
    placed: RawWord = {**word, "stretch": 0}
    if len(window.pieces) > 1:
        placed["start"], placed["end"] = (
            None if time is None else window.find_time(time - stretch.start_s)
            for time in (word["start"], word["end"])
        )
    return placed


def _concatenate(pieces: Sequence[Hypothesis]) -> Hypothesis:
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
    return _concatenate(sure) if sure else replace(hypothesis, is_disputed=True)


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
