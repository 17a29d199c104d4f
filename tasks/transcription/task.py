"""The steps `language` and `transcription`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.alignment.engines import build_aligner, find_aligner
from tasks.alignment.spans import align_words
from tasks.caching import step_task
from tasks.contracts import LanguageFacts, PlaceFacts, TranscriptionFacts
from tasks.engines import registry
from tasks.engines.protocols import Samples
from tasks.intervals import Span, clip, measure_union_s
from tasks.records import Audio, Sound, Word
from tasks.settings.schema import PER_SEGMENT, TranscriptionSettings
from tasks.step import Manifest, Meter, StepContext
from tasks.transcription.engines import engine
from tasks.transcription.language import (
    Detection,
    FoundLanguage,
    Place,
    choose_language,
    limit_languages,
    select_places,
    summarise,
)
from tasks.transcription.language_spans import find_language_spans, split_for_detection
from tasks.transcription.step import ChunkWords, transcribe_chunk
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
    aligner: ResolvedWeights | None = None
    """Weights of the aligner of the settings, where it has any."""


@step_task("language", version=5)
def find_language(job: LanguageJob, place: StepContext) -> Manifest:
    """Detect the language of a track by a vote over several spans of speech.

    Facts: `language` (Whisper's code, None without speech), `confidence` (0–1, None without speech), `disagreeing`,
    the places in another language, and `likely`, the likeliest languages.
    """
    meter = place.meter()
    recogniser = engine(job.settings, job.weights.path, place.device)

    def detect(span: Span) -> Detection:
        samples = place.samples(Sound(job.audio, span))
        return meter.ask(recogniser, "detect_languages", samples, [(0.0, span.duration_s)])[0]  # type: ignore[no-any-return]

    found = _detect_language(job.speech, job.settings, detect)
    facts = LanguageFacts(
        language=found.language,
        confidence=found.confidence,
        disagreeing=_convert_places(found.disagreeing),
        likely=list(found.likely),
    )
    return meter.manifest(**facts)


@step_task("transcription", version=13)
def transcribe(job: TranscribeJob, place: StepContext, language: str | None, separated: Manifest | None) -> Manifest:
    """Transcribe a chunk. Artifact `words`, in the recording's time; facts: the language, the number of words, and
    how many loops and words outside speech were removed.

    With `language` None the language is detected from the chunk's own speech, with `PER_SEGMENT` for every stretch.
    """
    meter = place.meter()
    samples = place.samples(job.sound, separated)
    recogniser = engine(job.settings, job.weights.path, place.device)
    ask = partial(meter.ask, recogniser)
    speech = job.sound.speech_within()
    spans = []
    if language == PER_SEGMENT:
        spans = _find_spans(samples, speech, job.settings, ask)
        found = summarise(spans, speech)
    elif language is None and registry.find("transcription", job.settings.engine).capabilities.detects_language:
        found = _detect_language(speech, job.settings, lambda span: _ask_languages(samples, [span], ask)[0])
    else:
        found = FoundLanguage(language)
    start = job.sound.span.start_s
    parts: list[tuple[str | None, list[Span]]] = [(s.language, clip(speech, s.span)) for s in spans]
    heard = [
        (own, _align(transcribe_chunk(samples, within, own, job.settings, ask), samples, own, job, place, meter))
        for own, within in parts or [(found.language, speech)]
    ]
    words = [word for own, part in heard for word in _place_words(part, own, job)]
    words.sort(key=lambda word: (word.start_s, word.end_s))
    return meter.manifest(
        {"words": place.store.put_records("transcription", words)},
        **TranscriptionFacts(
            language=found.language,
            language_confidence=found.confidence,
            languages=_convert_places(spans, start),
            disagreeing=_convert_places(found.disagreeing, start),
            num_words=len(words),
            loops_removed=sum(part.loops_removed for _, part in heard),
            silence_text_removed=sum(part.silence_text_removed for _, part in heard),
        ),
    )


def _align(
    heard: ChunkWords, samples: Samples, language: str | None, job: TranscribeJob, place: StepContext, meter: Meter
) -> ChunkWords:
    """The words of a chunk with the aligner's times for those that have none of the recogniser's."""
    if job.aligner is None:
        return heard
    aligner = build_aligner(job.settings.aligner, job.aligner.path, place.device)
    longest_s = find_aligner(job.settings.aligner).capabilities.longest_s
    return replace(
        heard, words=tuple(align_words(heard.words, samples, language, partial(meter.ask, aligner), longest_s))
    )


def _place_words(heard: ChunkWords, language: str | None, job: TranscribeJob) -> list[Word]:
    """The words of a chunk in the recording's time."""
    start, channel = job.sound.span.start_s, job.sound.audio.channel or 0
    return [
        # In whole milliseconds: a day's seconds plus a word's would show their binary tails in every table.
        Word(
            start_s=round(w.start_s + start, 3),
            end_s=round(w.end_s + start, 3),
            text=w.text,
            confidence=w.confidence,
            chunk=job.chunk,
            channel=channel,
            space_before=w.space_before,
            language=job.settings.written_language or language,
            times=w.times,
        )
        for w in heard.words
    ]


def _detect_language(
    speech: Sequence[Span], settings: TranscriptionSettings, detect: Callable[[Span], Detection]
) -> FoundLanguage:
    places = [(span, limit_languages(detect(span), settings.languages)) for span in select_places(speech)]
    return choose_language([(span, found, measure_union_s(clip(speech, span))) for span, found in places])


def _find_spans(
    samples: NDArray[np.float32], speech: Sequence[Span], settings: TranscriptionSettings, ask: Callable[..., Any]
) -> list[Place]:
    pieces = split_for_detection(speech)
    found = [limit_languages(one, settings.languages) for one in _ask_languages(samples, pieces, ask)]
    return find_language_spans(pieces, found, [measure_union_s(clip(speech, piece)) for piece in pieces])


def _ask_languages(
    samples: NDArray[np.float32], spans: Sequence[Span], ask: Callable[..., Any]
) -> Sequence[Detection]:
    return ask("detect_languages", samples, [(s.start_s, s.end_s) for s in spans])  # type: ignore[no-any-return]


def _convert_places(places: Sequence[Place], start_s: float = 0.0) -> list[PlaceFacts]:
    """Places as facts, in the recording's time; `start_s`: of the chunk that they are in."""
    return [
        PlaceFacts(
            start_s=round(p.span.start_s + start_s, 3),
            end_s=round(p.span.end_s + start_s, 3),
            language=p.language,
            confidence=round(p.confidence, 4),
        )
        for p in places
    ]
