"""NVIDIA's Nemotron-3-Diarization as an engine: sound -> turns of at most eight speakers, which may overlap.

A streaming Sortformer (arXiv:2507.18446) that gives each speaker's activity every 10 ms, run by transformers. It
takes sound in pieces of some 27 s and a cache of the speakers before, so that memory doesn't grow with the length.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.diarization.turns import smooth_turns
from tasks.engines.engine import Engine
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.engines.transformers import load_network
from tasks.records import SAMPLE_RATE_HZ

REPOSITORY = "nvidia/Nemotron-3-Diarization"
THRESHOLD = 0.5
"""Probability of speech from which a speaker is active, as on the model's card."""


def load(model: str, device: str = "cpu") -> Nemotron:
    """The engine from a folder with safetensors, `config.json` and the processor's settings.

    Raises ValueError where they are of another network.
    """
    processor, network = load_network(
        model, "nemotron3_diarization", "Nemotron3DiarizationForAudioFrameClassification", device
    )
    return Nemotron(processor, network, device)


class Nemotron:
    """A loaded model. Numbers its speakers by their first appearance."""

    def __init__(self, processor: Any, network: Any, device: str) -> None:
        self._processor = processor
        self._network = network
        self._device = device

    def find_turns(self, samples: NDArray[np.float32]) -> list[tuple[float, float, str]]:
        """(start, end, local speaker) of 16 kHz mono `samples`, in seconds from their start, sorted by time.

        The network's frames flicker at the ends of words: short pauses are bridged, and bursts left out.
        """
        import torch

        if not len(samples):
            return []
        sound = np.ascontiguousarray(samples, dtype=np.float32)
        with torch.inference_mode():
            inputs = self._processor(sound, sampling_rate=SAMPLE_RATE_HZ).to(self._device)
            logits = self._network(**inputs).logits
            (found,) = self._processor.extract_speaker_dict(logits, inputs.attention_mask, threshold=THRESHOLD)
        duration = len(samples) / SAMPLE_RATE_HZ
        rows = [(turn["Start"], min(duration, turn["End"]), int(turn["Speaker"])) for turn in found]
        return [(start, end, str(speaker)) for start, end, speaker in smooth_turns(rows)]


def build(_settings: Any, weights: Path, device: Device) -> Engine:
    return Engine.of("diarization/nemotron", "tasks.diarization.nemotron:load", model=str(weights), device=device)


SPEC = EngineSpec(
    step="diarization",
    name="nemotron",
    summary="at most 8 a chunk",
    provenance="Nemotron-3-Diarization weights of NVIDIA, run by Hugging Face transformers.",
    build=build,
    capabilities=Capabilities(sees_overlap=True, most_speakers=8),
    weights=(
        WeightsFormat(
            kind="diarization/nemotron",
            setting="diarization.model",
            maker="transformers",
            patterns=("config.json", "processor_config.json", "preprocessor_config.json", "model*.safetensors*"),
            essential=("config.json", "*.safetensors"),
            names=MappingProxyType({"nemotron-3-diarization": REPOSITORY}),
            defaults=MappingProxyType({"cpu": REPOSITORY, "cuda": REPOSITORY}),
        ),
    ),
    packages=("transformers",),
    install="pip install -c constraints.txt -e .",
)
