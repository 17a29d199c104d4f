"""Decode windows of speech with an engine, whole or in pieces.

Pure but for `Decoder.ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.protocols import RawWord
from tasks.intervals import Span, clip
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.hypothesis import Hypothesis, concatenate
from tasks.transcription.options import Options
from tasks.transcription.speech import Packing, Window, cut_at_quietest, pack_windows
from tasks.transcription.words import clean_words

LEAST_PROBABILITY = 0.001
"""Of a word, where the probability of a text is estimated from those of its words: the logarithm of 0 is none."""
MIN_PIECE_S = 1.0
"""Seconds of speech that a piece of a window has at least."""

EngineCall = Callable[..., Any]


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
        return [concatenate([next(hypotheses) for _ in some]) for some in pieces]

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
    """Find the mean log probability of the text that a word is in; where the engine does not give it, that of the
    word; 0, for no doubt, where it gives neither.

    >>> estimate_logprob(RawWord(start=0.0, end=0.1, word=" a", probability=0.5, stretch=0)) == math.log(0.5)
    True
    """
    logprob = word.get("avg_logprob", math.nan)
    if not math.isnan(logprob):
        return logprob
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
