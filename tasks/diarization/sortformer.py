"""NeMo's Sortformer as an engine: sound -> turns of at most four speakers, which may overlap."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.nemo import silence_nemo
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.records import SAMPLE_RATE_HZ

STREAMING = {
    "chunk_len": 340,
    "chunk_right_context": 40,
    "fifo_len": 40,
    "spkcache_update_period": 300,
    "spkcache_len": 188,
}
"""In frames of 80 ms: the configuration of highest latency on the streaming models' card, the most accurate."""


def load(model: str, device: str = "cpu") -> Sortformer:
    """The engine from a `.nemo` file."""
    with silence_nemo():
        from nemo.collections.asr.models import SortformerEncLabelModel

        restored = SortformerEncLabelModel.restore_from(model, map_location=device)
    return Sortformer(restored.eval())


class Sortformer:
    """A loaded model. Streaming models process a chunk in pieces, so that memory doesn't grow with its length."""

    def __init__(self, model: Any) -> None:
        self._model = model
        model.preprocessor.featurizer.dither = 0.0
        if model.streaming_mode:
            for name, value in STREAMING.items():
                setattr(model.sortformer_modules, name, value)
            model.sortformer_modules._check_streaming_parameters()

    def find_turns(self, samples: NDArray[np.float32]) -> list[tuple[float, float, str]]:
        """(start, end, local speaker) of 16 kHz mono `samples`, in seconds from their start, sorted by
        time."""
        if not len(samples):
            return []
        duration = len(samples) / SAMPLE_RATE_HZ
        with silence_nemo():
            (lines,) = self._model.diarize(
                audio=np.ascontiguousarray(samples, dtype=np.float32),
                sample_rate=SAMPLE_RATE_HZ,
                batch_size=1,
                num_workers=0,
                verbose=False,
            )
        out = []
        for line in lines:
            start, end, speaker = line.split()
            turn = max(0.0, float(start)), min(duration, float(end)), speaker.removeprefix("speaker_")
            if turn[1] > turn[0]:
                out.append(turn)
        return sorted(out)


def build(_settings: Any, weights: Path, device: Device) -> Engine:
    return Engine.of("diarization/sortformer", "tasks.diarization.sortformer:load", model=str(weights), device=device)


SPEC = EngineSpec(
    step="diarization",
    name="sortformer",
    summary="at most 4 a chunk",
    provenance="Sortformer weights of NVIDIA, run by NVIDIA NeMo.",
    build=build,
    capabilities=Capabilities(sees_overlap=True, most_speakers=4),
    weights=(
        WeightsFormat(
            kind="diarization",
            setting="diarization.model",
            maker="NeMo",
            patterns=("*.nemo",),
            essential=("*.nemo",),
            suffixes=(".nemo",),
            names=MappingProxyType({"sortformer-4spk-v2.1": "nvidia/diar_streaming_sortformer_4spk-v2.1"}),
        ),
    ),
    packages=("nemo",),
    install="pip install 'nemo-toolkit[asr]'",
)
