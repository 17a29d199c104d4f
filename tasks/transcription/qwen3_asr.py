"""Qwen3-ASR as an engine (arXiv:2601.21337), run by transformers: text and language, without times or confidences.

A speech encoder before a language model, which begins its answer with the language that it hears. Times of words are
an aligner's, or shares of the speech by length. Decoding is greedy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.memory import run_halving_batch
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.engines.transformers import ESSENTIAL, PROCESSOR_AND_NETWORK, load_network
from tasks.languages import parse_language
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.pieces import begin_segment

LANGUAGES = (
    "ar", "yue", "zh", "cs", "da", "nl", "en", "tl", "fi", "fr", "de", "el", "hi", "hu", "id", "it",
    "ja", "ko", "mk", "ms", "fa", "pl", "pt", "ro", "ru", "es", "sv", "th", "tr", "vi",
)  # fmt: skip
"""Of the model card, by Whisper's codes."""
OWN_CODES = MappingProxyType({"tl": "fil"})
"""Whisper's code -> that of Qwen3-ASR, where they differ."""
LONGEST_S = 60.0
"""Seconds of one call. The model takes more, but shares of long speech place words badly, and an aligner of text
takes 300."""
LEAST_S = 0.1
"""Shorter sound has no words."""
TOKENS_PER_S = 16
"""Tokens of text that a second of speech has at most, in any language: longer answers repeat themselves."""
LEAST_TOKENS = 32
DETECTION_TOKENS = 8
"""Tokens of `language NAME<asr_text>`, at most."""


def load(model: str, device: str = "cpu") -> Qwen3Asr:
    """Load the engine from a folder with safetensors, the processor's settings and its chat template.

    Raises ValueError where they are of another network.
    """
    precision = "bfloat16" if device == "cuda" else "float32"
    processor, network = load_network(model, "qwen3_asr", "Qwen3ASRForConditionalGeneration", device, precision)
    return Qwen3Asr(processor, network, device)


class Qwen3Asr:
    """A loaded model. Not thread-safe."""

    def __init__(self, processor: Any, network: Any, device: str) -> None:
        self._processor = processor
        self._network = network
        self._device = device

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds), without times.

        `options`: `batch_size`, stretches at a time; `initial_prompt`, a text or terms to expect. Deterministic.
        """
        given = options or {}
        sounds = [_cut(samples, stretch) for stretch in stretches]
        heard = [i for i, sound in enumerate(sounds) if len(sound) >= LEAST_S * SAMPLE_RATE_HZ]
        batch_size = max(1, int(given.get("batch_size", 1)))

        def decode(at_a_time: int) -> list[dict[str, Any]]:
            return [
                answer
                for first in range(0, len(heard), at_a_time)
                for answer in self._answer(
                    [sounds[i] for i in heard[first : first + at_a_time]],
                    language,
                    given.get("initial_prompt"),
                )
            ]

        answers = run_halving_batch(decode, batch_size, "transcription") if heard else []
        return [
            word
            for i, answer in zip(heard, answers, strict=True)
            for word in split_text(str(answer["transcription"]), i)
        ]

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """The language that the model names for each stretch, as (code, 1.0): it gives no probability. None for a
        stretch in which it hears nobody."""
        out: list[list[tuple[str, float]]] = []
        for stretch in stretches:
            sound = _cut(samples, stretch)
            if len(sound) < LEAST_S * SAMPLE_RATE_HZ:
                out.append([])
                continue
            (answer,) = self._answer([sound], None, None, DETECTION_TOKENS)
            code = read_language(answer["language"])
            out.append([(code, 1.0)] if code else [])
        return out

    def languages(self) -> list[str]:
        """Codes of the languages that the model knows."""
        return list(LANGUAGES)

    def _answer(
        self,
        sounds: Sequence[NDArray[np.float32]],
        language: str | None,
        prompt: str | None,
        tokens: int | None = None,
    ) -> list[dict[str, Any]]:
        """{"language": name or None, "transcription"} of each sound; `tokens`: of the answer, at most."""
        import torch

        known = OWN_CODES.get(language, language) if language in LANGUAGES else None
        inputs = self._processor.apply_transcription_request(list(sounds), language=known, prompt=prompt)
        inputs = inputs.to(self._device, self._network.dtype)
        longest_s = max(map(len, sounds)) / SAMPLE_RATE_HZ
        with torch.inference_mode():
            found = self._network.generate(
                **inputs,
                max_new_tokens=tokens or LEAST_TOKENS + round(TOKENS_PER_S * longest_s),
                do_sample=False,
            )
        found = found[:, inputs["input_ids"].shape[1] :]
        return list(self._processor.decode(found, return_format="parsed"))


def split_text(text: str, stretch: int) -> list[RawWord]:
    """The words of a text, at blanks; scripts without any are divided where words are assembled.

    >>> [word["word"] for word in split_text("Guten  Tag.", 0)]
    [' Guten', ' Tag.']
    """
    said = text.split()
    return [
        RawWord(
            start=None, end=None, word=f" {word}" if i else begin_segment(word), probability=None, stretch=stretch
        )
        for i, word in enumerate(said)
    ]


def read_language(name: str | None) -> str | None:
    """The code of a language that the model names; of several, the first.

    >>> read_language("English"), read_language("Cantonese,Chinese"), read_language("Filipino"), read_language(None)
    ('en', 'yue', 'tl', None)
    """
    return parse_language(re.split(r"[,/]", name)[0].strip()) if name else None


def _cut(samples: NDArray[np.float32], stretch: tuple[float, float]) -> NDArray[np.float32]:
    start, end = (round(time_s * SAMPLE_RATE_HZ) for time_s in stretch)
    return np.ascontiguousarray(samples[start:end])


def build(_settings: Any, weights: Path, device: Device) -> Engine:
    """Build the engine for `TranscriptionSettings`: those of decoding are given with every call."""
    return Engine.of(
        "transcription/qwen3-asr", "tasks.transcription.qwen3_asr:load", model=str(weights), device=device
    )


SPEC = EngineSpec(
    step="transcription",
    name="qwen3-asr",
    summary="Qwen3-ASR, 30 languages, for a GPU",
    provenance="Qwen3-ASR weights of Alibaba, run by Hugging Face transformers.",
    build=build,
    capabilities=Capabilities(
        languages=LANGUAGES,
        word_times="none",
        punctuates=True,
        prompt=True,
        batches=True,
        longest_s=LONGEST_S,
    ),
    weights=(
        WeightsFormat(
            kind="transcription/qwen3-asr",
            setting="transcription.model",
            maker="Qwen",
            patterns=(*PROCESSOR_AND_NETWORK, "generation_config.json"),
            essential=ESSENTIAL,
            names=MappingProxyType(
                {"qwen3-asr-0.6b": "Qwen/Qwen3-ASR-0.6B-hf", "qwen3-asr-1.7b": "Qwen/Qwen3-ASR-1.7B-hf"}
            ),
            defaults=MappingProxyType({"cpu": "qwen3-asr-0.6b", "cuda": "qwen3-asr-1.7b"}),
        ),
    ),
    packages=("transformers",),
    install="pip install -c constraints.txt -e .",
)
