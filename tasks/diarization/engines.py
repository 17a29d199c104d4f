"""Which engine reads which weights."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tasks.engines.engine import Engine

CAMPPLUS = ".pt"
"""Suffix of the state dicts that CAM++ models are published as; all other speaker models are NeMo's."""


def choose_speaker_engine(model: Path, device: Literal["cpu", "cuda"] = "cpu") -> Engine:
    """The engine of a speaker model, by its file: `embed` of `tasks.diarization.speaker_model.SpeakerModel`."""
    if model.suffix == CAMPPLUS:
        return Engine.of("diarization/campplus", "tasks.diarization.campplus:load", model=str(model), device=device)
    return Engine.of(
        "diarization/speaker-model", "tasks.diarization.speaker_model:load", model=str(model), device=device
    )


def choose_segmentation_engine(model: Path, device: Literal["cpu", "cuda"] = "cpu") -> Engine:
    """The engine of a segmentation model: `activity` of `tasks.diarization.segmentation.Segmentation`."""
    return Engine.of(
        "diarization/segmentation", "tasks.diarization.segmentation:load", model=str(model), device=device
    )
