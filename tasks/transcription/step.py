"""One chunk's words: stretches of speech decoded, decoded again where that went wrong, and put in order.

Pure but for `ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, clip
from tasks.records import Word
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.guards import cut_loops, looping, over_speech
from tasks.transcription.hearing import Ask, Listener, settled
from tasks.transcription.speech import SAMPLE_RATE, quietest, stretches, uncovered
from tasks.transcription.words import trimmed

HOLE_S = 2.0
"""Speech this long without a word is decoded again by itself: batched decoding is known to drop whole
sentences (SYSTRAN/faster-whisper #1179)."""
HOLE_SLACK_S = 0.5
SILENCE_SLACK_S = 0.5
"""A word this far from any speech was not said."""
IN_PIECES: dict[str, Any] = {"batch_size": 1, "beam_size": 5, "condition_on_previous_text": False}
"""How the pieces of a stretch with repetitions are decoded: nothing forbidden, else what a person repeats could
not be heard twice."""
AGAIN: dict[str, Any] = IN_PIECES | {"no_repeat_ngram_size": 4}
"""How a stretch that went wrong is decoded again: by itself, with time tokens, no four tokens twice."""


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

    A stretch that the engine is unsure of is decoded a second time with `AGAIN`, and so is speech of `HOLE_S`
    that got no words; one that repeats itself, alone or with its neighbours, in pieces with `IN_PIECES`. What both
    decodings repeat was said; of other repetitions one occurrence stays.
    """
    within = Span(0.0, len(samples) / SAMPLE_RATE)
    parts = stretches(speech, within, settings.max_speech_s, cut=quietest(samples))
    if not parts:
        return ChunkWords()
    listener, options = Listener(samples, language, ask), decoding_options(settings)
    heard = listener.decode(parts, options)
    odd = looping([w for h in heard for w in h.words], parts)
    odd |= {i for i, h in enumerate(heard) if h.is_repetitive}
    unsure = [i for i, h in enumerate(heard) if h.is_unsure and i not in odd]
    second = listener.decode([parts[i] for i in unsure], options | AGAIN)
    for i, other in zip(unsure, second, strict=True):
        heard[i] = min(heard[i], other, key=lambda h: h.badness)
    doubtful = set()
    second = listener.decode_in_pieces([parts[i] for i in sorted(odd)], speech, options | IN_PIECES)
    for i, other in zip(sorted(odd), second, strict=True):
        heard[i], is_doubtful = settled(heard[i], other)
        if is_doubtful:
            doubtful.add(i)
    words = [w for h in heard for w in h.words]

    holes = _holes(words, parts, speech, within, settings.max_speech_s)
    for text in _in_holes(holes, speech, options, listener):
        words += [w for w in text if not any(w.span & said.span for said in words)]
    words.sort(key=lambda w: (w.start_s, w.end_s))

    said = trimmed(over_speech(words, speech, SILENCE_SLACK_S), speech)
    kept, loops_removed = cut_loops(said, parts, doubtful)
    return ChunkWords(
        tuple(kept),
        loops_removed,
        len(words) - len(said),
        sum(parts[i].duration_s for i in {*unsure, *odd}) + sum(h.duration_s for h in holes),
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


def _holes(
    words: Sequence[Word], parts: Sequence[Span], speech: Sequence[Span], within: Span, max_s: float
) -> list[Span]:
    heard = [w.span for w in words]
    spoken = [s for p in parts for s in clip(speech, p)]
    return stretches(uncovered(spoken, heard, HOLE_SLACK_S, HOLE_S), within, max_s)


def _in_holes(
    holes: Sequence[Span], speech: Sequence[Span], options: dict[str, Any], listener: Listener
) -> list[tuple[Word, ...]]:
    """What is said in the holes, as far as that is sure: one that repeats itself has to be heard twice."""
    found = listener.decode(holes, options | AGAIN)
    odd = [i for i, h in enumerate(found) if h.is_repetitive]
    second = listener.decode_in_pieces([holes[i] for i in odd], speech, options | IN_PIECES)
    unproven = set()
    for i, other in zip(odd, second, strict=True):
        found[i], is_doubtful = settled(found[i], other)
        if is_doubtful and found[i].is_repetitive:
            unproven.add(i)
    return [h.words for i, h in enumerate(found) if not h.is_unsure and i not in unproven]
