"""pyannote's segmentation models as an engine: sound -> activity of up to three local speakers in every window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.memory import run_halving_batch
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.records import SAMPLE_RATE_HZ

WINDOW_S = 10.0
"""Length of the windows that the published models were trained on."""
STEP_SAMPLES, FIELD_SAMPLES = 270, 991
"""Distance of two frames, and the samples that one depends on."""
SPEAKERS, TOGETHER = 3, 2
"""Speakers of a window, and how many of them at a time, that the classes tell apart."""
HOP_FRAMES = 118
"""Distance of two windows (2 s). Half of it finds nothing more, at twice the time."""
BATCH, CPU_BATCH = 16, 4
"""Windows at once. On a CPU 16 take no less time, and 212 MB more."""


def load(model: str, device: str = "cpu") -> Segmentation:
    """The engine from a `.pt` file: a state dict of tensors, or a dict that holds one as `state_dict`.

    Raises ValueError where it is of another network.
    """
    import torch

    from tasks.diarization.segmentation_network import build

    state = torch.load(model, map_location="cpu", weights_only=True)
    try:
        network = build(state.get("state_dict", state))
    except (AttributeError, KeyError, RuntimeError) as error:
        raise ValueError(f"{model}: no state dict of a PyanNet") from error
    return Segmentation(network.eval().to(device), device)


def place_windows(count: int) -> NDArray[np.int64]:
    """First frames of the windows over `count` samples: HOP_FRAMES apart; the last one ends with the samples."""
    last = max(0, -(-(count - round(WINDOW_S * SAMPLE_RATE_HZ)) // STEP_SAMPLES))
    return np.append(np.arange(0, last, HOP_FRAMES), last)


class Segmentation:
    """A loaded network. A window's frames depend on its own sound alone."""

    def __init__(self, network: Any, device: str) -> None:
        from tasks.diarization.segmentation_network import list_speaker_sets

        self._network = network
        self._device = device
        sets = list_speaker_sets(SPEAKERS, TOGETHER)
        if network.classifier.out_features != len(sets):
            raise ValueError(f"a network of {network.classifier.out_features} classes; {len(sets)} were expected")
        self._members = np.array([[k in group for k in range(SPEAKERS)] for group in sets], np.float32)

    def activity(self, samples: NDArray[np.float32], firsts: NDArray[np.int64]) -> NDArray[np.float16]:
        """Probabilities (W, F, 3) that each local speaker speaks, for windows of WINDOW_S that begin with the frames
        `firsts` (W,) of 16 kHz mono `samples` (n,); what a window lacks at the end is silence."""
        most = CPU_BATCH if self._device == "cpu" else BATCH
        return run_halving_batch(lambda batch: self._activity(samples, firsts, batch), most, "segmentation")

    def _activity(self, samples: NDArray[np.float32], firsts: NDArray[np.int64], batch: int) -> NDArray[np.float16]:
        import torch

        length = round(WINDOW_S * SAMPLE_RATE_HZ)
        out: list[NDArray[np.float16]] = []
        with torch.inference_mode():
            for k in range(0, len(firsts), batch):
                pieces = np.zeros((len(firsts[k : k + batch]), 1, length), np.float32)
                for piece, first in zip(pieces, (firsts[k : k + batch] * STEP_SAMPLES).tolist(), strict=True):
                    cut = samples[first : first + length]
                    piece[0, : len(cut)] = cut
                found = self._network(torch.from_numpy(pieces).to(self._device)).float().cpu().numpy()
                out.append((found @ self._members).astype(np.float16))
        return np.concatenate(out) if out else np.zeros((0, 0, SPEAKERS), np.float16)


def build(_settings: Any, weights: Path, device: Device) -> Engine:
    return Engine.of(
        "diarization/segmentation", "tasks.diarization.segmentation:load", model=str(weights), device=device
    )


SPEC = EngineSpec(
    step="diarization",
    name="segmentation",
    summary="clustering, and two speakers where speech overlaps",
    provenance="Segmentation weights of pyannote, run by this project's own PyanNet, and this project's clustering.",
    build=build,
    capabilities=Capabilities(reads="segments", sees_overlap=True, most_speakers=12),
    weights=(
        WeightsFormat(
            kind="segmentation",
            setting="diarization.segmentation_model",
            maker="pyannote",
            patterns=("segmentation.pt",),
            essential=("segmentation.pt",),
            suffixes=(".pt",),
        ),
    ),
)
