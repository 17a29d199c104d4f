"""The aligner of the settings, built from its spec in the registry (`tasks.engines.registry`)."""

from __future__ import annotations

from pathlib import Path

from tasks.engines import registry
from tasks.engines.engine import Engine
from tasks.engines.spec import Device, EngineSpec


def find_aligner(name: str) -> EngineSpec:
    """The spec of the aligner that settings name. Raises UsageError for an unknown one."""
    return registry.find("alignment", name)


def build_aligner(name: str, model: Path, device: Device = "cpu") -> Engine:
    """The aligner of this name with the weights in the folder `model`: a `tasks.engines.protocols.Aligner`."""
    spec = find_aligner(name)
    return spec.build(None, model, spec.choose_device(device))
