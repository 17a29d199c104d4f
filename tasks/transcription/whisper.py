"""The recogniser faster-whisper as an engine: `load`, then `transcribe` and `detect_languages` on arrays.

Only the given stretches are decoded: on silence Whisper is slow and hallucinates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.memory import run_halving_batch
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.pieces import begin_segment

SILENT_FRAMES = 300
"""Frames of 10 ms that are added to a stretch for the detection of its language."""


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
    ) -> list[dict[str, Any]]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds, at most 30
        each).

        `options`: `batch_size`; the rest as faster-whisper's `transcribe` calls them. `batch_size` > 1
        decodes that many stretches at a time, without time tokens or earlier text; 1 decodes in order, with
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
        if batch_size > 1:
            clips = [{"start": a, "end": b} for a, b in stretches]
            given.pop("condition_on_previous_text", None)  # the batched pipeline ignores it

            def decode(at_a_time: int) -> list[dict[str, Any]]:
                segments, _ = self._batched.transcribe(
                    samples,
                    language=language,
                    clip_timestamps=clips,
                    batch_size=at_a_time,
                    word_timestamps=True,
                    **given,
                )
                return _words(segments, stretches)

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
        out: list[dict[str, Any]] = []
        for i, (start, end) in enumerate(stretches):
            part = samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)]
            if not len(part):
                continue
            segments, _ = self._model.transcribe(part, language=language, word_timestamps=True, **given)
            for word in _words(segments, [(0.0, end - start)]):
                times = {k: word[k] + start for k in ("start", "end") if word[k] is not None}
                out.append(word | times | {"stretch": i})
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


def _words(segments: Iterable[Any], stretches: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """Flatten faster-whisper's segments to words; words of a segment without word times have none."""
    out: list[dict[str, Any]] = []
    for segment in segments:
        facts = {
            "stretch": _nearest((segment.start + segment.end) / 2, stretches),
            "avg_logprob": float(segment.avg_logprob),
            "no_speech_prob": float(segment.no_speech_prob),
            "compression_ratio": float(segment.compression_ratio),
        }
        if segment.words:
            out += [
                {
                    "start": float(w.start),
                    "end": float(w.end),
                    "word": w.word if k else begin_segment(w.word),
                    "probability": float(w.probability),
                }
                | facts
                for k, w in enumerate(segment.words)
            ]
        else:
            out += [
                {"start": None, "end": None, "word": text if k else begin_segment(text), "probability": None} | facts
                for k, text in enumerate(re.findall(r"\s*\S+", segment.text))
            ]
    return out


def _nearest(time_s: float, stretches: Sequence[tuple[float, float]]) -> int:
    return min(range(len(stretches)), key=lambda i: max(stretches[i][0] - time_s, time_s - stretches[i][1], 0.0))
