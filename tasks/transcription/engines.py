"""The registry of recognisers: a name in the settings -> the engine that `tasks.engines.calls.call` runs.

A new recogniser is a module with `load(**options)`, whose value answers `transcribe` and `detect_languages` as
`tasks.transcription.whisper` does, and a builder here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tasks.engines.engine import Engine
from tasks.errors import UsageError
from tasks.settings.schema import TranscriptionSettings

Device = Literal["cpu", "cuda"]
Builder = Callable[[TranscriptionSettings, Path, Device], Engine]


def _faster_whisper(settings: TranscriptionSettings, weights: Path, device: Device) -> Engine:
    compute_type = settings.compute_type
    if compute_type == "auto":
        compute_type = "float16" if device == "cuda" else "int8"
    return Engine.of(
        "transcription/faster-whisper",
        "tasks.transcription.whisper:load",
        model=str(weights),
        device=device,
        compute_type=compute_type,
        cpu_threads=_cores() if device == "cpu" else 0,
    )


ENGINES: dict[str, Builder] = {"faster-whisper": _faster_whisper}


def engine(settings: TranscriptionSettings, weights: Path, device: Device) -> Engine:
    """Build the recogniser of `settings.engine` with the weights in the folder `weights`.

    Raises UsageError for an unknown engine.
    """
    builder = ENGINES.get(settings.engine)
    if builder is None:
        raise UsageError(f"transcription.engine = {settings.engine}: there are {', '.join(sorted(ENGINES))}")
    return builder(settings, weights, device)


def _cores() -> int:
    """Count the CPU cores available to this process (a container often has fewer than the machine)."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
