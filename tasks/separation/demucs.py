"""Demucs as an engine: separate the vocals of a recording from its music.

Weights are safetensors only. Demucs itself would fall back to pickles, which run code when they are opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.memory import run_halving_batch
from tasks.errors import UsageError
from tasks.records import SAMPLE_RATE_HZ

PIECE_S = 30
"""Seconds separated at a time: a piece's four stems, stereo at 44.1 kHz, are in memory together."""
FADE_S = 1.0
"""Seconds of overlap of neighbouring pieces, which are cross-faded."""


def load(model: str, device: str = "cpu") -> Demucs:
    """The engine from a folder as Demucs's hub repositories are laid out: `<name>.yaml`,
    `<model>.safetensors`.

    A folder with a single safetensors file needs no yaml. Raises `UsageError` for anything else.
    """
    import torch
    import yaml
    from demucs.apply import BagOfModels
    from demucs.hf import load_safetensors_model

    folder = Path(model)
    files = sorted(folder.glob("*.safetensors"))
    bags = sorted(folder.glob("*.yaml"))
    bag: dict[str, Any] = {}
    if bags:
        bag = yaml.safe_load(bags[0].read_text(encoding="utf-8")) or {}
        files = [folder / f"{name}.safetensors" for name in bag.get("models", [])]
    elif len(files) > 1:
        raise UsageError(f"{folder}: several safetensors files, and no yaml that says how they belong together")
    if not files or not all(f.is_file() and f.parent == folder for f in files):
        raise UsageError(f"{folder}: no Demucs model here (wanted: a yaml and the safetensors files it names)")
    for file in files:
        _check_class(file)
    models = [load_safetensors_model(file) for file in files]
    return Demucs(BagOfModels(models, bag.get("weights"), bag.get("segment")).eval().to(torch.device(device)))


def _check_class(file: Path) -> None:
    """The file names the class to build; Demucs would call whatever is named there."""
    from safetensors import safe_open

    with safe_open(str(file), framework="pt") as opened:
        metadata = opened.metadata() or {}
    named = metadata.get("klass", "")
    if named not in {"demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs"}:
        raise UsageError(f"{file}: not a Demucs model (its class is {named or 'not given'!r})")
    if "_class" in json.dumps(metadata.get("structure", "")):
        raise UsageError(f"{file}: packed weights (DiffQ) are not supported")


class Demucs:
    """A loaded model, or a bag of them."""

    def __init__(self, bag: Any) -> None:
        self._bag = bag
        if "vocals" not in bag.sources:
            raise UsageError(f"the separation model knows {', '.join(bag.sources)}, but no vocals")

    def vocals(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Separate the vocals of 16 kHz mono `samples`, shape (n,); the same rate and shape. Deterministic."""
        if not len(samples):
            return np.zeros(0, np.float32)
        return run_halving_batch(lambda piece_s: self._separate_in_pieces(samples, piece_s), PIECE_S, "separation")

    def _separate_in_pieces(self, samples: NDArray[np.float32], piece_s: int) -> NDArray[np.float32]:
        import soxr

        count = len(samples)
        out = np.zeros(count, np.float32)
        # Normalise to zero mean and unit variance, as Demucs does; over all samples, so that pieces match.
        mean, spread = float(np.mean(samples)), float(np.std(samples)) + 1e-8
        rate = int(self._bag.samplerate)
        piece, fade = piece_s * SAMPLE_RATE_HZ, int(min(FADE_S, piece_s / 4) * SAMPLE_RATE_HZ)
        for first, last, weights in split_into_pieces(count, piece, fade):
            part = (samples[first:last] - mean) / spread
            if rate != SAMPLE_RATE_HZ:
                part = soxr.resample(part, SAMPLE_RATE_HZ, rate)
            voices = self._separate(part.astype(np.float32))
            if rate != SAMPLE_RATE_HZ:
                voices = soxr.resample(voices, rate, SAMPLE_RATE_HZ)
            voices = np.resize(np.pad(voices, (0, max(0, last - first - len(voices)))), last - first)
            out[first:last] += (voices * spread).astype(np.float32) * weights
        return out

    def _separate(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch
        from demucs.apply import apply_model

        mix = torch.from_numpy(mono).expand(1, int(self._bag.audio_channels), -1)
        device = next(self._bag.parameters()).device
        with torch.inference_mode():
            stems = apply_model(self._bag, mix, shifts=0, split=True, overlap=0.25, device=device)
        vocals = stems[0, self._bag.sources.index("vocals")].mean(dim=0)
        return np.asarray(vocals.cpu().numpy(), dtype=np.float32)


def split_into_pieces(
    count: int, piece: int = PIECE_S * SAMPLE_RATE_HZ, fade: int = int(FADE_S * SAMPLE_RATE_HZ)
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Split `count` samples into overlapping pieces (first, last, weights); the weights add up to 1 everywhere.

    >>> [(a, b, w.round(2).tolist()) for a, b, w in split_into_pieces(7, piece=4, fade=1)]
    [(0, 4, [1.0, 1.0, 1.0, 0.5]), (3, 7, [0.5, 1.0, 1.0, 1.0])]
    """
    rising = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
    first = 0
    while True:
        last = min(count, first + piece)
        if count - last <= fade:  # no piece of next to nothing at the end
            last = count
        weights = np.ones(last - first, np.float32)
        if first:
            weights[:fade] = rising
        if last < count:
            weights[len(weights) - fade :] = 1 - rising
        yield first, last, weights
        if last == count:
            return
        first = last - fade
