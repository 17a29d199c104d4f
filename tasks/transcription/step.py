"""Transcribe one chunk: decode its windows of speech, retry unreliable ones, and put the words in order.

Pure but for `ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.engines import registry
from tasks.intervals import Span
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.decoding import Decoder, EngineCall
from tasks.transcription.hallucinations import cut_loops, select_near_speech
from tasks.transcription.options import build_decoding_options
from tasks.transcription.second_decodings import SecondDecodings
from tasks.transcription.speech import Packing, cut_at_quietest, pack_windows
from tasks.transcription.words import DecodedWord, trim_words

SILENCE_SLACK_S = 0.5
"""Seconds: a word further from any speech is a hallucination and dropped."""
HOLE_ROUNDS = 2
"""A hole of several sentences may lose one of them again."""


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
    """Transcribe 16 kHz mono `samples`, shape (n,); `speech` is in seconds from their start, all in one language.

    All windows are decoded in batches. Those whose text is unsure, repetitive, too fast for a mouth or an echo of
    the prompt are decoded a second time, each in the way that its fault asks for, and the expected number of right
    words decides between both; a text that stays more likely wrong than right is dropped, and so is a doubtful one
    with which another decoding has too few words in common. Speech without words is decoded by itself. Repetitions
    found by both decodings are kept; others are reduced to one occurrence.
    """
    can = registry.find("transcription", settings.engine).capabilities
    longest_s = min(settings.max_speech_s, can.longest_s or settings.max_speech_s)
    decoder = Decoder(samples, language, ask)
    windows = pack_windows(speech, decoder.within, Packing.for_longest(longest_s), cut_at_quietest(samples))
    if not windows:
        return ChunkWords()
    second = SecondDecodings(decoder, speech, build_decoding_options(settings, can), can)
    hypotheses = decoder.decode(windows, second.options)
    second.redecode_echoes(windows, hypotheses)
    repetitive = second.redecode_repetitive(windows, hypotheses)
    others = second.redecode_unsure(windows, hypotheses, besides=repetitive)
    if not settings.into_english:  # a translation may have fewer words than the speech
        second.redecode_sparse(windows, hypotheses, besides=repetitive)
        second.compare_doubtful(windows, hypotheses, others)
    invented = [h.is_invented_translation if settings.into_english else h.is_invented for h in hypotheses]
    words = [w for h, is_invented in zip(hypotheses, invented, strict=True) if not is_invented for w in h.words]
    second.rejected = [w.span for w, is_invented in zip(windows, invented, strict=True) if is_invented]
    near_speech = words
    # Where a word lies tells nothing if its time was shared out, or if it is not the one that was spoken.
    if can.word_times != "none" and not settings.into_english:
        for _ in range(HOLE_ROUNDS):
            words = second.fill_holes(words, longest_s)
        near_speech = trim_words(select_near_speech(words, speech, SILENCE_SLACK_S), speech)
    kept, loops_removed = cut_loops(near_speech, [w.span for w in windows], second.doubtful)
    return ChunkWords(tuple(kept), loops_removed, len(words) - len(near_speech), second.seconds)
