"""Speaker models as engines: windows of sound -> embeddings of unit length. And NeMo's (TitaNet and its kin)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.memory import run_halving_batch
from tasks.engines.nemo import silence_nemo
from tasks.engines.spec import Device, EngineSpec, WeightsFormat
from tasks.records import SAMPLE_RATE_HZ

BATCH = 64
LEAST_SAMPLES = 24_000
"""Windows shorter than 1.5 s are repeated up to this length, the shortest that the models are trained for."""


def load(model: str, device: str = "cpu") -> NemoSpeakerModel:
    """The engine from a `.nemo` file."""
    with silence_nemo():
        from nemo.collections.asr.models import EncDecSpeakerLabelModel

        restored = EncDecSpeakerLabelModel.restore_from(model, map_location=device)
    return NemoSpeakerModel(restored.eval(), device)


class SpeakerModel(ABC):
    """A loaded speaker model. The same windows give the same embeddings, whatever the windows beside them."""

    batch = BATCH
    """Windows that the network is given at once."""

    @abstractmethod
    def _forward(self, pieces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings (B, D), of any length, of 16 kHz mono `pieces` (B, n)."""

    def embed(self, samples: NDArray[np.float32], windows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Embeddings (N, D) of unit length of the `windows` (N, 2) in seconds of 16 kHz mono `samples`
        (n,)."""
        spans = [_find_samples(len(samples), a, b) for a, b in np.asarray(windows, dtype=np.float64).reshape(-1, 2)]
        by_length: dict[int, list[int]] = {}
        for i, (first, last) in enumerate(spans):
            by_length.setdefault(_pad_length(last - first), []).append(i)
        if not spans:
            return np.zeros((0, 0), np.float32)
        return run_halving_batch(
            lambda batch: self._embed_batches(samples, spans, by_length, batch), self.batch, "embedding"
        )

    def _embed_batches(
        self,
        samples: NDArray[np.float32],
        spans: Sequence[tuple[int, int]],
        by_length: Mapping[int, Sequence[int]],
        batch: int,
    ) -> NDArray[np.float32]:
        import torch

        out: NDArray[np.float32] = np.zeros((len(spans), 0), np.float32)
        with torch.inference_mode():
            for same in by_length.values():
                for k in range(0, len(same), batch):
                    mine = list(same[k : k + batch])
                    # Cut batch by batch: all windows of a chunk together take twice the memory of its sound.
                    pieces = np.stack([_cut_piece(samples, *spans[i]) for i in mine])
                    found = _normalize(self._forward(pieces))
                    if not out.shape[1]:
                        out = np.zeros((len(spans), found.shape[1]), np.float32)
                    out[mine] = found
        return out


class NemoSpeakerModel(SpeakerModel):
    """A speaker model of NeMo."""

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self._device = device
        featurizer = model.preprocessor.featurizer
        featurizer.dither = 0.0  # else noise is drawn anew in every call
        featurizer.pad_to = 0

    def _forward(self, pieces: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        lengths = torch.full((len(pieces),), pieces.shape[1], device=self._device)
        _, found = self._model.forward(
            input_signal=torch.from_numpy(pieces).to(self._device), input_signal_length=lengths
        )
        embeddings: NDArray[np.float32] = found.float().cpu().numpy()
        return embeddings


def _normalize(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled to unit length, as `torch.nn.functional.normalize` does."""
    import torch

    scaled: NDArray[np.float32] = torch.nn.functional.normalize(torch.from_numpy(embeddings), dim=1).numpy()
    return scaled


def _find_samples(count: int, start_s: float, end_s: float) -> tuple[int, int]:
    """(first, last) sample of a window; at least one sample, unless `count` is 0."""
    first = min(max(0, round(start_s * SAMPLE_RATE_HZ)), max(0, count - 1))
    return first, min(count, max(first + 1, round(end_s * SAMPLE_RATE_HZ)))


def _pad_length(count: int) -> int:
    """Number of samples that a window of `count` samples is padded to."""
    # A sample more or less is the rounding of the window's two ends.
    return LEAST_SAMPLES if count <= LEAST_SAMPLES + 1 else count


def _cut_piece(samples: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    piece = samples[first:last]
    if not len(piece):
        return np.zeros(LEAST_SAMPLES, np.float32)
    if abs(len(piece) - LEAST_SAMPLES) <= 1:
        return np.resize(piece, LEAST_SAMPLES).astype(np.float32)
    if len(piece) < LEAST_SAMPLES:
        return np.pad(piece, (0, LEAST_SAMPLES - len(piece)), mode="wrap").astype(np.float32)
    return np.ascontiguousarray(piece, dtype=np.float32)


def build(_settings: Any, weights: Path, device: Device) -> Engine:
    return Engine.of(
        "diarization/speaker-model", "tasks.diarization.speaker_model:load", model=str(weights), device=device
    )


SPEC = EngineSpec(
    step="embedding",
    name="nemo",
    summary=".nemo files",
    provenance="Speaker models of NVIDIA NeMo (TitaNet and its kin), run by NeMo.",
    build=build,
    weights=(
        WeightsFormat(
            kind="embedding",
            setting="diarization.embedding_model",
            maker="NeMo",
            patterns=("*.nemo",),
            essential=("*.nemo",),
            suffixes=(".nemo",),
        ),
    ),
    packages=("nemo",),
    install="pip install 'nemo-toolkit[asr]'",
)
