"""One chunk's words: stretches of speech decoded, decoded again where that went wrong, and put in order.

Pure but for `ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, clip
from tasks.records import Word
from tasks.settings import TranscriptionSettings
from tasks.transcription.guards import is_repetitive, loops, over_speech, without_loops
from tasks.transcription.speech import SAMPLE_RATE, quietest, stretches, uncovered
from tasks.transcription.words import finished, trimmed

HOLE_S = 2.0
"""Speech this long without a word is decoded again by itself: batched decoding is known to drop whole
sentences (SYSTRAN/faster-whisper #1179)."""
HOLE_SLACK_S = 0.5
SILENCE_SLACK_S = 0.5
"""A word this far from any speech was not said."""
UNSURE = -1.0
"""Mean log probability of a text below which it is decoded again (the threshold of Whisper's own decoder)."""
AGAIN: dict[str, Any] = {
    "batch_size": 1,
    "beam_size": 5,
    "no_repeat_ngram_size": 4,
    "condition_on_previous_text": False,
}
"""How a stretch that went wrong is decoded again: by itself, with time tokens, no four tokens twice."""

Ask = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ChunkWords:
    """Words with times relative to the samples' start; how often the guards had to cut, and what was decoded
    twice."""

    words: tuple[Word, ...] = ()
    loops_removed: int = 0
    silence_text_removed: int = 0
    """Words dropped because nobody speaks there."""
    redecoded_s: float = 0.0


def transcribe_chunk(
    samples: NDArray[np.float32],
    speech: Sequence[Span],
    language: str | None,
    settings: TranscriptionSettings,
    ask: Ask,
) -> ChunkWords:
    """Words of 16 kHz mono `samples` (shape (n,)) with `speech` in seconds from their start.

    Every stretch that loops, or that the engine is unsure of, is decoded a second time with `AGAIN`; so is
    speech of `HOLE_S` that got no words. Loops that remain are reduced to one occurrence.
    """
    within = Span(0.0, len(samples) / SAMPLE_RATE)
    parts = stretches(speech, within, settings.max_speech_s, cut=quietest(samples))
    if not parts:
        return ChunkWords()
    options = decoding_options(settings)
    decoded = _decode(samples, parts, language, options, ask)
    again = [i for i, d in enumerate(decoded) if d.is_suspect]
    if again:
        second = _decode(samples, [parts[i] for i in again], language, options | AGAIN, ask)
        for i, other in zip(again, second, strict=True):
            decoded[i] = min(decoded[i], other, key=lambda d: d.badness)
    words = [w for d in decoded for w in d.words]

    holes = _holes(words, parts, speech, within, settings.max_speech_s)
    if holes:
        found = _decode(samples, holes, language, options | AGAIN, ask)
        for d in found:
            if not d.is_suspect:
                words += [w for w in d.words if not any(w.span & said.span for said in words)]
        words.sort(key=lambda w: (w.start_s, w.end_s))

    said = trimmed(over_speech(words, speech, SILENCE_SLACK_S), speech)
    remaining = loops([w.text for w in said])
    return ChunkWords(
        tuple(without_loops(said, remaining)),
        len(remaining),
        len(words) - len(said),
        sum(parts[i].duration_s for i in again) + sum(h.duration_s for h in holes),
    )


def decoding_options(settings: TranscriptionSettings) -> dict[str, Any]:
    """The engine's options for a first decoding."""
    return {
        "batch_size": settings.batch_size,
        "beam_size": settings.beam_size,
        "initial_prompt": settings.initial_prompt,
        "hotwords": settings.hotwords,
        "condition_on_previous_text": settings.condition_on_previous_text,
    }


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What became of one stretch."""

    words: tuple[Word, ...]
    logprob: float

    @property
    def is_suspect(self) -> bool:
        return bool(self.words) and (self.logprob < UNSURE or is_repetitive([w.text for w in self.words]))

    @property
    def badness(self) -> tuple[bool, bool, float]:
        """Worst: nothing where something was; then repetitive text; then what the engine was least sure
        of."""
        return not self.words, is_repetitive([w.text for w in self.words]), -self.logprob


def _decode(
    samples: NDArray[np.float32],
    parts: Sequence[Span],
    language: str | None,
    options: dict[str, Any],
    ask: Ask,
) -> list[_Decoded]:
    raw = ask("transcribe", samples, [(p.start_s, p.end_s) for p in parts], language, options)
    out = []
    for i, part in enumerate(parts):
        mine = [w | {"stretch": 0} for w in raw if w["stretch"] == i]
        logprob = sum(w["avg_logprob"] for w in mine) / len(mine) if mine else 0.0
        out.append(_Decoded(tuple(finished(mine, [part], Span(0.0, len(samples) / SAMPLE_RATE))), logprob))
    return out


def _holes(
    words: Sequence[Word], parts: Sequence[Span], speech: Sequence[Span], within: Span, max_s: float
) -> list[Span]:
    heard = [w.span for w in words]
    spoken = [s for p in parts for s in clip(speech, p)]
    return stretches(uncovered(spoken, heard, HOLE_SLACK_S, HOLE_S), within, max_s)
