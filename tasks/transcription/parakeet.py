"""NVIDIA's Parakeet as an engine, through NeMo: transducers (TDT, RNN-T) and CTC models from a `.nemo` file, with the
times of words.

The stretches are decoded greedily, some at a time. NeMo gives no confidences beside times (NVIDIA-NeMo/NeMo #14427),
and does not tell the language that it found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.memory import run_halving_batch
from tasks.engines.nemo import silence_nemo
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.pieces import begin_segment

LOCAL_FROM_S = 600.0
"""Longer stretches are decoded with local attention: the memory of the full one grows by the square."""
LOCAL_CONTEXT = [256, 256]
"""Frames of 80 ms that local attention sees on both sides."""
FULL_CONTEXT = [-1, -1]
LONGEST_S = 10_800.0
"""Seconds of one call with local attention on a GPU of 80 GB (model card of parakeet-tdt-0.6b-v3)."""
SHORTEST_S = 0.5
"""Seconds to which shorter sounds are filled with silence: the features of a few frames have no variance."""
EUROPEAN = (
    "bg", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "hu", "it",
    "lv", "lt", "mt", "pl", "pt", "ro", "sk", "sl", "es", "sv", "ru", "uk",
)  # fmt: skip
"""Languages of parakeet-tdt-0.6b-v3 (its model card)."""
KNOWN = {"parakeet-tdt-0.6b-v3": EUROPEAN, "parakeet-tdt-0.6b-v2": ("en",), "parakeet-tdt-1.1b": ("en",)}


def load(model: str, device: str = "cpu") -> Parakeet:
    """Load the engine from a `.nemo` file."""
    with silence_nemo():
        from nemo.collections.asr.models import ASRModel

        restored = ASRModel.restore_from(model, map_location=device)
    return Parakeet(restored.eval())


class Parakeet:
    """A loaded model. Not thread-safe."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._is_local = False
        model.preprocessor.featurizer.dither = 0.0  # noise that would make two runs differ

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds), with their times.

        `options`: `batch_size`, stretches at a time; others change nothing, nor does `language`. Deterministic.
        """
        parts = [samples[round(a * SAMPLE_RATE_HZ) : round(b * SAMPLE_RATE_HZ)] for a, b in stretches]
        heard = [i for i, part in enumerate(parts) if len(part)]
        if not heard:
            return []
        self._choose_attention(max(len(part) for part in parts) / SAMPLE_RATE_HZ)
        batch_size = max(1, int((options or {}).get("batch_size", 1)))

        def decode(at_a_time: int) -> Any:
            with silence_nemo():
                return self._model.transcribe(
                    [_pad(parts[i]) for i in heard],
                    batch_size=at_a_time,
                    num_workers=0,
                    timestamps=True,
                    return_hypotheses=True,
                    verbose=False,
                )

        found = run_halving_batch(decode, batch_size, "transcription")
        return [w for i, h in zip(heard, found, strict=True) for w in read_hypothesis(h, i, *stretches[i])]

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """No language for any stretch: these models do not tell it."""
        return [[] for _ in stretches]

    def _choose_attention(self, longest_s: float) -> None:
        """Take local attention for long sounds, and the full one again for short ones."""
        is_local = longest_s > LOCAL_FROM_S
        if is_local == self._is_local:
            return
        kind, context = ("rel_pos_local_attn", LOCAL_CONTEXT) if is_local else ("rel_pos", FULL_CONTEXT)
        with silence_nemo():
            self._model.change_attention_model(kind, context)
            if is_local:
                self._model.change_subsampling_conv_chunking_factor(1)  # by itself, where it is needed
        self._is_local = is_local


def read_hypothesis(hypothesis: Any, stretch: int, start_s: float, end_s: float) -> list[RawWord]:
    """The words of NeMo's `Hypothesis` about the sound from `start_s` to `end_s`: `timestamp["word"]` holds {"word",
    "start", "end"}, seconds from its start."""
    out: list[RawWord] = []
    for found in (hypothesis.timestamp or {}).get("word") or ():
        text = str(found["word"]).strip()
        if not text:
            continue
        start, end = (min(max(start_s + float(found[k]), start_s), end_s) for k in ("start", "end"))
        text = begin_segment(end_with_sigma(text)) if not out else f" {end_with_sigma(text)}"
        out.append(RawWord(start=start, end=max(start, end), word=text, probability=None, stretch=stretch))
    return out


def end_with_sigma(word: str) -> str:
    """Write the sigma that ends a Greek word as such, which the model's vocabulary lacks.

    >>> end_with_sigma("κόσμοσ,"), end_with_sigma("σ"), end_with_sigma("ΚΟΣΜΟΣ")
    ('κόσμος,', 'σ', 'ΚΟΣΜΟΣ')
    """
    return re.sub(r"(?<=\w)σ(?=\W*$)", "ς", word)


def _pad(part: NDArray[np.float32]) -> NDArray[np.float32]:
    least = round(SHORTEST_S * SAMPLE_RATE_HZ)
    return np.ascontiguousarray(np.pad(part, (0, max(0, least - len(part)))), np.float32)


def build(settings: Any, weights: Path, device: Device) -> Engine:
    """Build the engine for `TranscriptionSettings`: those of decoding are given with every call."""
    return Engine.of("transcription/parakeet", "tasks.transcription.parakeet:load", model=str(weights), device=device)


def read_languages(name: str, path: Path | None) -> tuple[str, ...] | None:
    """Codes of the languages of NVIDIA's published models, by their names; None for others."""
    short = name.partition("@")[0].rpartition("/")[2].removesuffix(".nemo")
    return KNOWN.get(short)


SPEC = EngineSpec(
    step="transcription",
    name="parakeet",
    summary="NVIDIA's Parakeet TDT, 25 European languages, very fast on a GPU",
    provenance="NVIDIA's Parakeet weights, run by NVIDIA's NeMo.",
    build=build,
    capabilities=Capabilities(
        detects_language=False,
        mixes_languages=True,
        batches=True,
        longest_s=LONGEST_S,
    ),
    weights=(
        WeightsFormat(
            kind="transcription/parakeet",
            setting="transcription.model",
            maker="NeMo",
            patterns=("*.nemo",),
            essential=("*.nemo",),
            suffixes=(".nemo",),
            names={name: f"nvidia/{name}" for name in KNOWN},
            defaults={"cpu": "parakeet-tdt-0.6b-v3", "cuda": "parakeet-tdt-0.6b-v3"},
        ),
    ),
    packages=("nemo",),
    install="pip install 'nemo-toolkit[asr]'",
    read_languages="tasks.transcription.parakeet:read_languages",
)
