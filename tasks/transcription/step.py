"""Transcribe one chunk: decode its stretches of speech, retry unreliable ones, and put the words in order.

Pure but for `ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, clip
from tasks.records import SAMPLE_RATE_HZ
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.decoding import Decoder, EngineCall, reconcile
from tasks.transcription.hallucinations import cut_loops, find_looping_stretches, select_near_speech
from tasks.transcription.speech import cut_at_quietest, find_uncovered, split_into_stretches
from tasks.transcription.words import DecodedWord, trim_words

MIN_HOLE_S = 2.0
"""Speech this long without a word is decoded again by itself: batched decoding is known to drop whole
sentences (SYSTRAN/faster-whisper #1179)."""
HOLE_SLACK_S = 0.5
SILENCE_SLACK_S = 0.5
"""Seconds: a word further from any speech is a hallucination and dropped."""
PIECE_OPTIONS: dict[str, Any] = {"batch_size": 1, "beam_size": 5, "condition_on_previous_text": False}
"""Options for decoding a stretch with repetitions in pieces: no n-gram is blocked, so that repetitions that were
spoken can be found again."""
RETRY_OPTIONS: dict[str, Any] = PIECE_OPTIONS | {"no_repeat_ngram_size": 4}
"""Options for decoding an unreliable stretch again: unbatched, with time tokens, no 4-gram of tokens twice."""


@dataclass(frozen=True, slots=True)
class ChunkWords:
    """Words, times in seconds from the start of the samples; counts of what was removed; seconds decoded twice."""

    words: tuple[DecodedWord, ...] = ()
    loops_removed: int = 0
    silence_text_removed: int = 0
    """Words dropped because they lie outside speech."""
    redecoded_s: float = 0.0


def transcribe_chunk(
    samples: NDArray[np.float32],
    speech: Sequence[Span],
    language: str | None,
    settings: TranscriptionSettings,
    ask: EngineCall,
) -> ChunkWords:
    """Transcribe 16 kHz mono `samples`, shape (n,); `speech` is in seconds from their start.

    A stretch with a low log probability is decoded a second time with `RETRY_OPTIONS`, and so is speech of at least
    `MIN_HOLE_S` without words; a stretch with a loop, its own or shared with its neighbours, is decoded in pieces
    with `PIECE_OPTIONS`. Repetitions found by both decodings are kept; others are reduced to one occurrence.
    """
    within = Span(0.0, len(samples) / SAMPLE_RATE_HZ)
    parts = split_into_stretches(speech, within, settings.max_speech_s, cut=cut_at_quietest(samples))
    if not parts:
        return ChunkWords()
    decoder, options = Decoder(samples, language, ask), build_decoding_options(settings)
    hypotheses = decoder.decode(parts, options)
    repetitive = find_looping_stretches([w for h in hypotheses for w in h.words], parts)
    repetitive |= {i for i, h in enumerate(hypotheses) if h.is_repetitive}
    uncertain = [i for i, h in enumerate(hypotheses) if h.is_unsure and i not in repetitive]
    second = decoder.decode([parts[i] for i in uncertain], options | RETRY_OPTIONS)
    for i, other in zip(uncertain, second, strict=True):
        hypotheses[i] = min(hypotheses[i], other, key=lambda h: h.worse_key)
    doubtful = set()
    second = decoder.decode_in_pieces([parts[i] for i in sorted(repetitive)], speech, options | PIECE_OPTIONS)
    for i, other in zip(sorted(repetitive), second, strict=True):
        hypotheses[i], is_doubtful = reconcile(hypotheses[i], other)
        if is_doubtful:
            doubtful.add(i)
    words = [w for h in hypotheses for w in h.words]

    gaps = _find_untranscribed(words, parts, speech, within, settings.max_speech_s)
    for text in _decode_untranscribed(gaps, speech, options, decoder):
        words += [w for w in text if not any(w.span & other.span for other in words)]
    words.sort(key=lambda w: (w.start_s, w.end_s))

    near_speech = trim_words(select_near_speech(words, speech, SILENCE_SLACK_S), speech)
    kept, loops_removed = cut_loops(near_speech, parts, doubtful)
    return ChunkWords(
        tuple(kept),
        loops_removed,
        len(words) - len(near_speech),
        sum(parts[i].duration_s for i in {*uncertain, *repetitive}) + sum(h.duration_s for h in gaps),
    )


def build_decoding_options(settings: TranscriptionSettings) -> dict[str, Any]:
    """Build the engine's options for the first decoding."""
    return {
        "batch_size": settings.batch_size,
        "beam_size": settings.beam_size,
        "initial_prompt": settings.initial_prompt,
        "hotwords": settings.hotwords,
        "condition_on_previous_text": settings.condition_on_previous_text,
    }


def _find_untranscribed(
    words: Sequence[DecodedWord], parts: Sequence[Span], speech: Sequence[Span], within: Span, max_s: float
) -> list[Span]:
    covered = [w.span for w in words]
    spoken = [s for p in parts for s in clip(speech, p)]
    return split_into_stretches(find_uncovered(spoken, covered, HOLE_SLACK_S, MIN_HOLE_S), within, max_s)


def _decode_untranscribed(
    gaps: Sequence[Span], speech: Sequence[Span], options: dict[str, Any], decoder: Decoder
) -> list[tuple[DecodedWord, ...]]:
    """Decode the gaps; keep the words of reliable hypotheses. A repetitive one must be confirmed by a second
    decoding."""
    found = decoder.decode(gaps, options | RETRY_OPTIONS)
    odd = [i for i, h in enumerate(found) if h.is_repetitive]
    second = decoder.decode_in_pieces([gaps[i] for i in odd], speech, options | PIECE_OPTIONS)
    unproven = set()
    for i, other in zip(odd, second, strict=True):
        found[i], is_doubtful = reconcile(found[i], other)
        if is_doubtful and found[i].is_repetitive:
            unproven.add(i)
    return [h.words for i, h in enumerate(found) if not h.is_unsure and i not in unproven]
