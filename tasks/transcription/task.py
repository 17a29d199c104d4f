"""The steps `language` and `transcription`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tasks.caching import step_task
from tasks.contracts import LanguageFacts, TranscriptionFacts
from tasks.intervals import Span, clip, measure_union_s
from tasks.records import SAMPLE_RATE_HZ, Audio, Sound, Word
from tasks.settings.schema import TranscriptionSettings
from tasks.step import Manifest, Meter, StepContext
from tasks.transcription.engines import engine
from tasks.transcription.language import Detection, select_places, vote
from tasks.transcription.step import transcribe_chunk
from tasks.weights.resolve import ResolvedWeights


@dataclass(frozen=True, slots=True)
class LanguageJob:
    """`speech`: the spans of speech of the whole recording, in seconds."""

    audio: Audio
    speech: tuple[Span, ...]
    settings: TranscriptionSettings
    weights: ResolvedWeights


@dataclass(frozen=True, slots=True)
class TranscribeJob:
    chunk: int
    sound: Sound
    settings: TranscriptionSettings
    weights: ResolvedWeights


@step_task("language", version=1)
def find_language(job: LanguageJob, place: StepContext) -> Manifest:
    """Detect the recording's language by a vote over several spans of speech.

    Facts: `language` (ISO 639-1 code, None without speech) and `confidence` (0–1, None without speech).
    """
    meter = Meter()
    recogniser = engine(job.settings, job.weights.path, place.device)
    found = _detect_language(
        job.speech, lambda span: meter.ask(recogniser, "detect_language", place.samples(Sound(job.audio, span)))
    )
    language, confidence = found or (None, None)
    return meter.manifest(**LanguageFacts(language=language, confidence=confidence))


@step_task("transcription", version=4)
def transcribe(job: TranscribeJob, place: StepContext, language: str | None, separated: Manifest | None) -> Manifest:
    """Transcribe a chunk. Artifact `words`, in the recording's time; facts: the language, the number of words, and
    how many loops and words outside speech were removed.

    With `language` None the language is detected from the chunk's own speech.
    """
    meter = Meter()
    samples = place.samples(job.sound, separated)
    recogniser = engine(job.settings, job.weights.path, place.device)
    speech = job.sound.speech_within()
    if language is None:
        found = _detect_language(
            speech, lambda span: meter.ask(recogniser, "detect_language", _slice_samples(samples, span))
        )
        language = found[0] if found else None
    heard = transcribe_chunk(samples, speech, language, job.settings, partial(meter.ask, recogniser))
    start, channel = job.sound.span.start_s, job.sound.audio.channel or 0
    words = [
        # In whole milliseconds: a day's seconds plus a word's would show their binary tails in every table.
        Word(
            start_s=round(w.start_s + start, 3),
            end_s=round(w.end_s + start, 3),
            text=w.text,
            confidence=w.confidence,
            chunk=job.chunk,
            channel=channel,
        )
        for w in heard.words
    ]
    return meter.manifest(
        {"words": place.store.put_records("transcription", words)},
        **TranscriptionFacts(
            language=language,
            num_words=len(words),
            loops_removed=heard.loops_removed,
            silence_text_removed=heard.silence_text_removed,
        ),
    )


def _detect_language(speech: Sequence[Span], detect: Callable[[Span], Detection]) -> tuple[str, float] | None:
    return vote((detect(span), measure_union_s(clip(speech, span))) for span in select_places(speech))


def _slice_samples(samples: NDArray[np.float32], span: Span) -> NDArray[np.float32]:
    return samples[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)]
