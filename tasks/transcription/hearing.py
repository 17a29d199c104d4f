"""Stretches of speech as an engine hears them: once, and again in pieces where it may have got into a loop.

Pure but for `Listener.ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, clip
from tasks.records import Word
from tasks.transcription.guards import confirms, is_repetitive
from tasks.transcription.speech import SAMPLE_RATE, quietest, stretches
from tasks.transcription.words import finished

UNSURE = -1.0
"""Mean log probability of a text below which it is decoded again (the threshold of Whisper's own decoder)."""
LEAST_PIECE_S = 1.0

Ask = Callable[..., Any]
Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one stretch."""

    words: tuple[Word, ...]
    logprob: float

    @property
    def is_unsure(self) -> bool:
        return bool(self.words) and self.logprob < UNSURE

    @property
    def is_repetitive(self) -> bool:
        return is_repetitive([w.text for w in self.words])

    @property
    def badness(self) -> tuple[bool, bool, float]:
        """Worst: nothing where something was; then repetitive text; then what the engine was least sure
        of."""
        return not self.words, self.is_repetitive, -self.logprob


@dataclass(frozen=True, slots=True)
class Listener:
    """An engine with 16 kHz mono `samples` (shape (n,)) in front of it."""

    samples: NDArray[np.float32]
    language: str | None
    ask: Ask

    def decode(self, parts: Sequence[Span], options: Options) -> list[Heard]:
        """What each part says."""
        if not parts:
            return []
        asked = [(p.start_s, p.end_s) for p in parts]
        raw = self.ask("transcribe", self.samples, asked, self.language, options)
        within = Span(0.0, len(self.samples) / SAMPLE_RATE)
        out = []
        for i, part in enumerate(parts):
            mine = [w | {"stretch": 0} for w in raw if w["stretch"] == i]
            logprob = sum(w["avg_logprob"] for w in mine) / len(mine) if mine else 0.0
            out.append(Heard(tuple(finished(mine, [part], within)), logprob))
        return out

    def decode_in_pieces(self, parts: Sequence[Span], speech: Sequence[Span], options: Options) -> list[Heard]:
        """What each part says, each decoded in two or more pieces, cut where nobody speaks if possible.

        A loop feeds on the text before it and starts anew in no piece; what a person repeats is in all of
        them.
        """
        cut = quietest(self.samples)
        pieces = [stretches(clip(speech, p), p, max(LEAST_PIECE_S, p.duration_s / 2), cut=cut) for p in parts]
        heard = iter(self.decode([piece for some in pieces for piece in some], options))
        return [_joined([next(heard) for _ in some]) for some in pieces]


def _joined(pieces: Sequence[Heard]) -> Heard:
    words = tuple(w for piece in pieces for w in piece.words)
    return Heard(words, sum(p.logprob * len(p.words) for p in pieces) / max(1, len(words)))


def settled(first: Heard, again: Heard) -> tuple[Heard, bool]:
    """What a stretch with repetitions says by two hearings, and whether its loops are still doubtful: what both
    hear was said, and else the second is right, if it found other words."""
    if not again.is_unsure and confirms(first.words, again.words):
        return max(first, again, key=lambda h: h.logprob), False
    if again.words and not again.is_repetitive:
        return again, True
    return min(first, again, key=lambda h: h.badness), True
