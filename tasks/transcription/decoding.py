"""Decode stretches of speech with an engine, and again in pieces where the first hypothesis may be a loop.

Pure but for `Decoder.ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, clip
from tasks.joining import join_words
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.hallucinations import confirm_repetitions, is_repetitive
from tasks.transcription.speech import cut_at_quietest, split_into_stretches
from tasks.transcription.words import DecodedWord, clean_words

MIN_LOGPROB = -1.0
"""Mean log probability of a text below which it is decoded again (the threshold of Whisper's own decoder)."""
MIN_PIECE_S = 1.0

EngineCall = Callable[..., Any]
Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The words decoded from one stretch, and their mean log probability (0 without words)."""

    words: tuple[DecodedWord, ...]
    logprob: float

    @property
    def is_unsure(self) -> bool:
        return bool(self.words) and self.logprob < MIN_LOGPROB

    @property
    def is_repetitive(self) -> bool:
        return is_repetitive([w.text for w in self.words], join_words(self.words))

    @property
    def worse_key(self) -> tuple[bool, bool, float]:
        """Sort key, larger is worse: no words, then repetitive text, then the lower log probability."""
        return not self.words, self.is_repetitive, -self.logprob


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes spans (seconds) of 16 kHz mono `samples`, shape (n,), through one engine."""

    samples: NDArray[np.float32]
    language: str | None
    ask: EngineCall

    def decode(self, parts: Sequence[Span], options: Options) -> list[Hypothesis]:
        """Decode each part in one call of the engine; one hypothesis per part."""
        if not parts:
            return []
        asked = [(p.start_s, p.end_s) for p in parts]
        raw = self.ask("transcribe", self.samples, asked, self.language, options)
        within = Span(0.0, len(self.samples) / SAMPLE_RATE_HZ)
        out = []
        for i, part in enumerate(parts):
            mine = [w | {"stretch": 0} for w in raw if w["stretch"] == i]
            logprob = sum(w["avg_logprob"] for w in mine) / len(mine) if mine else 0.0
            out.append(Hypothesis(tuple(clean_words(mine, [part], within)), logprob))
        return out

    def decode_in_pieces(self, parts: Sequence[Span], speech: Sequence[Span], options: Options) -> list[Hypothesis]:
        """Decode each part in two or more pieces, cut at pauses where there are any; one hypothesis per part.

        A loop continues from the text before it, so separate pieces do not reproduce it; repetitions that were
        spoken are found again.
        """
        cut = cut_at_quietest(self.samples)
        pieces = [
            split_into_stretches(clip(speech, p), p, max(MIN_PIECE_S, p.duration_s / 2), cut=cut) for p in parts
        ]
        hypotheses = iter(self.decode([piece for some in pieces for piece in some], options))
        return [_concatenate([next(hypotheses) for _ in some]) for some in pieces]


def _concatenate(pieces: Sequence[Hypothesis]) -> Hypothesis:
    words = tuple(w for piece in pieces for w in piece.words)
    return Hypothesis(words, sum(p.logprob * len(p.words) for p in pieces) / max(1, len(words)))


def reconcile(first: Hypothesis, again: Hypothesis) -> tuple[Hypothesis, bool]:
    """Choose between two hypotheses of a stretch with repetitions; return it, and whether its loops remain doubtful.

    Repetitions that both contain are kept. Otherwise the second is chosen if it has words and no loop, else the
    better by `worse_key`.
    """
    if not again.is_unsure and confirm_repetitions(first.words, again.words):
        return max(first, again, key=lambda h: h.logprob), False
    if again.words and not again.is_repetitive:
        return again, True
    return min(first, again, key=lambda h: h.worse_key), True
