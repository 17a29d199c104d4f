"""Qwen3-ForcedAligner as an engine (arXiv:2601.21337): the times of a text's words in one pass, in steps of 80 ms.

A speech model with a head that classifies the time of two marks behind each word, run by transformers. It aligns any
text, also one that was corrected, in eleven languages, and up to 300 s at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.engines.transformers import ESSENTIAL, PROCESSOR_AND_NETWORK, load_network
from tasks.records import SAMPLE_RATE_HZ

REPOSITORY = "Qwen/Qwen3-ForcedAligner-0.6B-hf"
LANGUAGES = ("zh", "en", "yue", "fr", "de", "it", "ja", "ko", "pt", "ru", "es")
LONGEST_S = 300.0
LEAST_S = 0.1
"""Shorter sound has no words."""


def load(model: str, device: str = "cpu") -> Qwen3Aligner:
    """The engine from a folder with safetensors, the processor's settings and its chat template.

    Raises ValueError where they are of another network.
    """
    processor, network = load_network(model, "qwen3_asr", "Qwen3ASRForTokenClassification", device)
    return Qwen3Aligner(processor, network, device)


class Qwen3Aligner:
    """A loaded model. Words are told apart by blanks, in Chinese and Japanese by letters, as rows of words are; there
    are no morphemes of Japanese and Korean."""

    def __init__(self, processor: Any, network: Any, device: str) -> None:
        self._processor = processor
        self._network = network
        self._device = device

    def align(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        texts: Sequence[Sequence[str]],
        language: str | None = None,
    ) -> list[list[tuple[float, float, float | None] | None]]:
        """(start, end, None) of each word of the text of each stretch (seconds, at most 300) of 16 kHz `samples`.

        None for a word without letters and digits, and for all words of a language that the model does not know.
        """
        if language is not None and language not in LANGUAGES:
            return [[None] * len(words) for words in texts]
        return [self._align(samples, *stretch, words) for stretch, words in zip(stretches, texts, strict=True)]

    def _align(
        self, samples: NDArray[np.float32], start_s: float, end_s: float, words: Sequence[str]
    ) -> list[tuple[float, float, float | None] | None]:
        import torch

        sound = samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
        units = [self._processor.split_words_for_alignment(word) for word in words]
        text = " ".join(unit for own in units for unit in own)
        if not text or len(sound) < LEAST_S * SAMPLE_RATE_HZ:
            return [None] * len(words)
        with torch.inference_mode():
            inputs, split = self._processor.prepare_forced_aligner_inputs(np.ascontiguousarray(sound), text)
            inputs = inputs.to(self._device)
            (found,) = self._processor.decode_forced_alignment(
                self._network(**inputs).logits, inputs["input_ids"], split, self._network.config.timestamp_token_id
            )
        return place_units(units, [(unit["start_time"], unit["end_time"]) for unit in found], start_s, end_s)


def place_units(
    units: Sequence[Sequence[str]], times: Sequence[tuple[float, float]], start_s: float, end_s: float
) -> list[tuple[float, float, float | None] | None]:
    """Times of words from those of their `units`, in seconds from `start_s`; None for words without any."""
    out: list[tuple[float, float, float | None] | None] = []
    at = 0
    for own in units:
        mine = times[at : at + len(own)]
        at += len(own)
        out.append((min(start_s + mine[0][0], end_s), min(start_s + mine[-1][1], end_s), None) if mine else None)
    return out


def build(_settings: Any, weights: Path, device: Device) -> Engine:
    return Engine.of("alignment/qwen3", "tasks.alignment.qwen3:load", model=str(weights), device=device)


SPEC = EngineSpec(
    step="alignment",
    name="qwen3",
    summary="any text, in steps of 80 ms",
    provenance="Qwen3-ForcedAligner weights of Alibaba, run by Hugging Face transformers.",
    build=build,
    capabilities=Capabilities(languages=LANGUAGES, longest_s=LONGEST_S),
    weights=(
        WeightsFormat(
            kind="alignment/qwen3",
            setting="transcription.aligner_model",
            maker="Qwen",
            patterns=PROCESSOR_AND_NETWORK,
            essential=ESSENTIAL,
            names=MappingProxyType({"qwen3-forced-aligner": REPOSITORY}),
            defaults=MappingProxyType({"cpu": REPOSITORY, "cuda": REPOSITORY}),
        ),
    ),
    packages=("transformers",),
    install="pip install -c constraints.txt -e .",
)
