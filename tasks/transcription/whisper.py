"""The recogniser faster-whisper as an engine: `load`, then `transcribe` and `detect_languages` on arrays.

Only the given stretches are decoded: on silence Whisper is slow and hallucinates.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.memory import run_halving_batch
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.pieces import begin_segment

SILENT_FRAMES = 300
"""Frames of 10 ms that are added to a stretch for the detection of its language."""

WINDOW_S = 30.0
"""Seconds that Whisper hears at once, always."""


def load(model: str, device: str = "cpu", compute_type: str = "default", cpu_threads: int = 0) -> FasterWhisper:
    """Load the engine from a folder with a CTranslate2 model, its tokenizer and its preprocessor's settings."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    whisper = WhisperModel(model, device=device, compute_type=compute_type, cpu_threads=cpu_threads)
    return FasterWhisper(whisper, BatchedInferencePipeline(whisper))


class FasterWhisper:
    """A loaded model. Not thread-safe."""

    def __init__(self, model: Any, batched: Any) -> None:
        self._model = model
        self._batched = batched

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds, at most 30
        each).

        `options`: `batch_size`; `into_english`; the rest as faster-whisper's `transcribe` calls them. `batch_size` >
        1 decodes that many stretches at a time, without time tokens or earlier text; 1 decodes in order, with
        time tokens. Deterministic.

        Each word is {"start", "end": seconds or None, "word": a piece of text, with its blank where a word begins,
        "probability", "stretch": index, "avg_logprob", "no_speech_prob", "compression_ratio"}, in order of stretches.
        """
        given = dict(options or {})
        batch_size = int(given.pop("batch_size", 1))
        if not stretches or not len(samples):
            return []
        # Higher temperatures sample, and CTranslate2's random generator can't be reseeded: the same audio would give
        # other words in another run. Unreliable stretches are decoded again with other options instead.
        given.setdefault("temperature", 0.0)
        if given.pop("into_english", False):
            given["task"] = "translate"
        if batch_size > 1:
            sound, slots = _pad_to_windows(samples, stretches)
            clips = [{"start": a, "end": b} for a, b in slots]
            given.pop("condition_on_previous_text", None)  # the batched pipeline ignores it

            def decode(at_a_time: int) -> list[RawWord]:
                segments, _ = self._batched.transcribe(
                    sound,
                    language=language,
                    clip_timestamps=clips,
                    batch_size=at_a_time,
                    word_timestamps=True,
                    **given,
                )
                return [_move(w, slots, stretches) for w in _words(segments, slots)]

            return run_halving_batch(decode, batch_size, "transcription")
        given.setdefault("condition_on_previous_text", False)
        if given["condition_on_previous_text"]:
            flat = [t for stretch in stretches for t in stretch]
            segments, _ = self._model.transcribe(
                samples, language=language, clip_timestamps=flat, word_timestamps=True, **given
            )
            return _words(segments, stretches)
        # One call per stretch: a spectrogram is normalised by its own maximum, so that the result of a stretch does
        # not depend on its surroundings.
        out: list[RawWord] = []
        for i, (start, end) in enumerate(stretches):
            part = samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)]
            if not len(part):
                continue
            segments, _ = self._model.transcribe(part, language=language, word_timestamps=True, **given)
            for word in _words(segments, [(0.0, end - start)]):
                word["start"], word["end"] = (
                    None if time is None else time + start for time in (word["start"], word["end"])
                )
                word["stretch"] = i
                out.append(word)
        return out

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """Detect the language of each stretch of 16 kHz mono `samples` (seconds, at most 30 each): all that the model
        knows as (code, probability), likeliest first.

        The encoder is given a stretch and three seconds of silence instead of 30 s: a fraction of the work.
        """
        return [
            self._detect(samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)])
            for start, end in stretches
        ]

    def _detect(self, samples: NDArray[np.float32]) -> list[tuple[str, float]]:
        if not self._model.model.is_multilingual:
            return [("en", 1.0)]
        from faster_whisper.audio import pad_or_trim

        features = self._model.feature_extractor(samples)
        frames = min(self._model.feature_extractor.nb_max_frames, features.shape[-1] + SILENT_FRAMES)
        encoded = self._model.encode(pad_or_trim(features, frames))
        return [(str(token[2:-2]), float(p)) for token, p in self._model.model.detect_language(encoded)[0]]

    def languages(self) -> list[str]:
        """Codes of the languages that the model knows."""
        return list(self._model.supported_languages)


def _pad_to_windows(
    samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
) -> tuple[NDArray[np.float32], list[tuple[float, float]]]:
    """Put each stretch at the start of a window of its own, silence behind it; return the sound and the windows.

    Whisper was trained on sound that ends in silence; faster-whisper fills the rest of a spectrogram with zeros
    instead, which is the level of soft sound, and the text then ends early more often.
    """
    size = round(WINDOW_S * SAMPLE_RATE_HZ)
    sound = np.zeros(size * len(stretches), np.float32)
    for i, (start, end) in enumerate(stretches):
        part = samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)][:size]
        sound[i * size : i * size + len(part)] = part
    return sound, [(i * WINDOW_S, (i + 1) * WINDOW_S) for i in range(len(stretches))]


def _move(word: RawWord, slots: Sequence[tuple[float, float]], stretches: Sequence[tuple[float, float]]) -> RawWord:
    """Move a word from its window to its stretch, where it must end."""
    (slot, _), (start, end) = slots[word["stretch"]], stretches[word["stretch"]]
    word["start"], word["end"] = (
        None if time is None else min(end, time - slot + start) for time in (word["start"], word["end"])
    )
    return word


def _words(segments: Iterable[Any], stretches: Sequence[tuple[float, float]]) -> list[RawWord]:
    """Flatten faster-whisper's segments to words; words of a segment without word times have none."""
    out: list[RawWord] = []
    for segment in segments:
        stretch = _nearest((segment.start + segment.end) / 2, stretches)
        said: list[tuple[str, float | None, float | None, float | None]] = (
            [(w.word, float(w.start), float(w.end), float(w.probability)) for w in segment.words]
            if segment.words
            else [(text, None, None, None) for text in re.findall(r"\s*\S+", segment.text)]
        )
        out += [
            RawWord(
                start=start,
                end=end,
                word=text if k else begin_segment(text),
                probability=probability,
                stretch=stretch,
                avg_logprob=float(segment.avg_logprob),
                no_speech_prob=float(segment.no_speech_prob),
                compression_ratio=float(segment.compression_ratio),
            )
            for k, (text, start, end, probability) in enumerate(said)
        ]
    return out


def _nearest(time_s: float, stretches: Sequence[tuple[float, float]]) -> int:
    return min(range(len(stretches)), key=lambda i: max(stretches[i][0] - time_s, time_s - stretches[i][1], 0.0))


def build(settings: Any, weights: Path, device: Device) -> Engine:
    """Build the engine for `TranscriptionSettings`: those of decoding are given with every call."""
    compute_type = settings.compute_type
    if compute_type == "auto":
        compute_type = "float16" if device == "cuda" else "int8"
    return Engine.of(
        "transcription/faster-whisper",
        "tasks.transcription.whisper:load",
        model=str(weights),
        device=device,
        compute_type=compute_type,
        cpu_threads=_count_cores() if device == "cpu" else 0,
    )


def _count_cores() -> int:
    """Count the CPU cores available to this process (a container often has fewer than the machine)."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


SPEC = EngineSpec(
    step="transcription",
    name="faster-whisper",
    summary="Whisper on CPUs and NVIDIA's GPUs",
    provenance="OpenAI's Whisper weights as converted by Systran and others, run by Systran's faster-whisper.",
    build=build,
    capabilities=Capabilities(
        confidences=True,
        context=True,
        prompt=True,
        translates=True,
        hotwords=True,
        beams=True,
        batches=True,
        precisions=("int8", "int8_float16", "float16", "bfloat16", "float32"),
        redecodes=True,
        longest_s=WINDOW_S,
    ),
    weights=(
        WeightsFormat(
            kind="transcription",
            setting="transcription.model",
            maker="faster-whisper",
            patterns=("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"),
            essential=("config.json", "model.bin", "tokenizer.json", "vocabulary.*"),
            names={
                "tiny.en": "Systran/faster-whisper-tiny.en",
                "tiny": "Systran/faster-whisper-tiny",
                "base.en": "Systran/faster-whisper-base.en",
                "base": "Systran/faster-whisper-base",
                "small.en": "Systran/faster-whisper-small.en",
                "small": "Systran/faster-whisper-small",
                "medium.en": "Systran/faster-whisper-medium.en",
                "medium": "Systran/faster-whisper-medium",
                "large-v1": "Systran/faster-whisper-large-v1",
                "large-v2": "Systran/faster-whisper-large-v2",
                "large-v3": "Systran/faster-whisper-large-v3",
                "large": "Systran/faster-whisper-large-v3",
                "distil-large-v2": "Systran/faster-distil-whisper-large-v2",
                "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
                "distil-small.en": "Systran/faster-distil-whisper-small.en",
                "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
                "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
                "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
                "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
            },
            defaults={"cpu": "small", "cuda": "large-v3-turbo"},
        ),
    ),
    packages=("faster_whisper",),
    install="pip install faster-whisper",
    check="tasks.transcription.whisper_limits:check_prompt",
    read_languages="tasks.transcription.whisper_limits:find_languages",
)
