"""The recogniser mlx-whisper as an engine: Whisper on the GPU of Apple's own processors. Models are folders in MLX's
format.

Each stretch is decoded by itself and without the text before it, from which mlx-whisper goes on into loops
(ml-explore/mlx-examples#774). Decoding is greedy: it has no beams. Higher temperatures sample and are not tried.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.errors import MissingWeights
from tasks.languages import NAMES
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.pieces import begin_segment
from tasks.transcription.stretches import cut
from tasks.transcription.whisper_limits import CUT, list_prompts, refuse_long_prompt

LONGEST_S = 30.0
LEAST_S = 0.1
"""Shorter sound has no words."""
ENGLISH_VOCABULARY = 51_864
"""Tokens of models for English alone."""
OTHER_TOKENS = 51_766
"""Tokens of multilingual models beside those of languages."""
WEIGHTS = ("weights.safetensors", "weights.npz")


def load(model: str) -> MlxWhisper:
    """Load the engine from a folder with config.json and weights.

    Raises MissingWeights for a folder that is missing or incomplete: what is no folder, mlx-whisper would download.
    """
    folder = Path(model)
    if not (folder / "config.json").is_file() or not any((folder / name).is_file() for name in WEIGHTS):
        raise MissingWeights(
            f"transcription.model = {folder}: no Whisper in MLX's format: config.json and {' or '.join(WEIGHTS)}"
        )
    core = importlib.import_module("mlx.core")
    # The package's attribute of this name is the function.
    transcription = importlib.import_module("mlx_whisper.transcribe")
    audio = importlib.import_module("mlx_whisper.audio")
    network = transcription.ModelHolder.get_model(str(folder), core.float16)
    return MlxWhisper(str(folder), network, transcription.transcribe, audio, core)


class MlxWhisper:
    """A loaded model. Not thread-safe."""

    def __init__(self, folder: str, network: Any, transcribe: Any, audio: Any, core: Any) -> None:
        self._folder = folder
        self._network = network
        self._transcribe = transcribe
        self._audio = audio
        self._core = core

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds, at most 30 each),
        with their times and probabilities.

        `options`: `initial_prompt`, put before each stretch; `into_english`. Deterministic.
        """
        out: list[RawWord] = []
        for i, (start, part) in enumerate(cut(samples, stretches, LONGEST_S)):
            if len(part) < LEAST_S * SAMPLE_RATE_HZ:
                continue
            found = self._transcribe(
                np.ascontiguousarray(part, np.float32),
                path_or_hf_repo=self._folder,
                verbose=None,
                temperature=0.0,
                condition_on_previous_text=False,
                initial_prompt=(options or {}).get("initial_prompt"),
                word_timestamps=True,
                language=language,
                task="translate" if (options or {}).get("into_english") else "transcribe",
            )
            out += read_segments(found["segments"], i, start, start + len(part) / SAMPLE_RATE_HZ)
        self._core.clear_cache()  # it grows with every call (ml-explore/mlx-examples#1254)
        return out

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """Detect the language of each stretch of 16 kHz mono `samples` (seconds, at most 30 each): all that the model
        knows as (code, probability), likeliest first."""
        return [list(self._detect(part)) for _, part in cut(samples, stretches, LONGEST_S)]

    def languages(self) -> list[str]:
        """Codes of the languages that the model knows."""
        return list(NAMES)[: self._network.num_languages] if self._network.is_multilingual else ["en"]

    def _detect(self, part: NDArray[np.float32]) -> Iterator[tuple[str, float]]:
        if not self._network.is_multilingual:
            yield "en", 1.0
            return
        sound = np.ascontiguousarray(part, np.float32)
        mel = self._audio.log_mel_spectrogram(sound, n_mels=self._network.dims.n_mels, padding=self._audio.N_SAMPLES)
        window = self._audio.pad_or_trim(mel, self._audio.N_FRAMES, axis=-2).astype(self._core.float16)
        _, probabilities = self._network.detect_language(window)
        yield from sorted(((str(c), float(p)) for c, p in probabilities.items()), key=lambda each: -each[1])


def read_segments(segments: Sequence[Mapping[str, Any]], stretch: int, start_s: float, end_s: float) -> list[RawWord]:
    """The words of mlx-whisper's segments about the sound from `start_s` to `end_s`."""
    out: list[RawWord] = []
    for segment in segments:
        for i, word in enumerate(segment.get("words") or ()):
            text = str(word["word"])
            first, last = (min(max(start_s + float(word[key]), start_s), end_s) for key in ("start", "end"))
            out.append(
                RawWord(
                    start=first,
                    end=max(first, last),
                    word=text if i else begin_segment(text),
                    probability=float(word["probability"]),
                    stretch=stretch,
                    avg_logprob=float(segment["avg_logprob"]),
                    no_speech_prob=float(segment["no_speech_prob"]),
                    compression_ratio=float(segment["compression_ratio"]),
                )
            )
    return out


def read_languages(name: str, path: Path | None) -> tuple[str, ...] | None:
    """Codes of the languages that a model's vocabulary has; None where there is no folder to tell."""
    if path is None:
        return ("en",) if name.partition("@")[0].removesuffix("-mlx").endswith(".en") else None
    try:
        size = int(json.loads((path / "config.json").read_text(encoding="utf-8"))["n_vocab"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingWeights(f"transcription model {path}: its config.json can't be read ({error})") from None
    return tuple(NAMES)[: size - OTHER_TOKENS] if size > ENGLISH_VOCABULARY else ("en",)


def check_prompt(settings: Any, name: str, path: Path | None) -> None:
    """Raise UsageError for a prompt that mlx-whisper would cut, by its own tokenizer, where it is installed."""
    if path is None or not list_prompts(settings) or SPEC.find_obstacle():
        return
    is_multilingual = read_languages(name, path) != ("en",)
    tokenizer = importlib.import_module("mlx_whisper.tokenizer").get_tokenizer(is_multilingual)
    refuse_long_prompt(settings, name, lambda text: len(tokenizer.encode(f" {text.strip()}")), why=CUT)


def build(_settings: Any, weights: Path, _device: Device) -> Engine:
    """Build the engine for `TranscriptionSettings`: those of decoding are given with every call."""
    return Engine.of("transcription/mlx-whisper", "tasks.transcription.mlx_whisper:load", model=str(weights))


SPEC = EngineSpec(
    step="transcription",
    name="mlx-whisper",
    summary="Whisper on Apple's processors",
    provenance="OpenAI's Whisper weights as converted to MLX by the mlx-community, run by Apple's mlx-whisper.",
    build=build,
    capabilities=Capabilities(
        confidences=True,
        prompt=True,
        translates=True,
        longest_s=LONGEST_S,
        devices=("cpu",),
    ),
    weights=(
        WeightsFormat(
            kind="transcription/mlx-whisper",
            setting="transcription.model",
            maker="mlx-whisper",
            patterns=("config.json", *WEIGHTS),
            essential=("config.json", "weights.*"),
            names=MappingProxyType(
                {
                    **{
                        size: f"mlx-community/whisper-{size}-mlx"
                        for size in ("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en")
                    },
                    "large-v2": "mlx-community/whisper-large-v2-mlx",
                    "large-v3": "mlx-community/whisper-large-v3-mlx",
                    "large": "mlx-community/whisper-large-v3-mlx",
                    "large-v3-turbo": "mlx-community/whisper-large-v3-turbo",
                    "turbo": "mlx-community/whisper-large-v3-turbo",
                }
            ),
            defaults=MappingProxyType({"cpu": "large-v3-turbo"}),
        ),
    ),
    packages=("mlx_whisper",),
    install="pip install 'daylong[mlx-whisper]'",
    platforms=("darwin",),
    check="tasks.transcription.mlx_whisper:check_prompt",
    read_languages="tasks.transcription.mlx_whisper:read_languages",
)
