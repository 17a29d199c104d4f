"""The recogniser of the settings, built from its spec in the registry (`tasks.engines.registry`)."""

from __future__ import annotations

from pathlib import Path

from tasks.engines import registry
from tasks.engines.engine import Engine
from tasks.engines.spec import Device
from tasks.settings.schema import TranscriptionSettings


def engine(settings: TranscriptionSettings, weights: Path, device: Device) -> Engine:
    """Build the recogniser of `settings.engine` with the weights in the file or folder `weights`.

    Raises UsageError for an unknown engine.
    """
    spec = registry.find("transcription", settings.engine)
    return spec.build(settings, weights, spec.choose_device(device))
