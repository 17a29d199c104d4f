"""Which engine reads which weights."""

from __future__ import annotations

from pathlib import Path

from tasks.engines import registry
from tasks.engines.engine import Engine
from tasks.engines.spec import Device, EngineSpec
from tasks.weights.resolve import ResolvedWeights


def choose_speaker_engine(model: Path, device: Device = "cpu") -> Engine:
    """The engine of a speaker model, by the suffix of its file: a `tasks.engines.protocols.SpeakerModel`."""
    spec = find_speaker_model(model)
    return spec.build(None, model, spec.choose_device(device))


def find_speaker_model(model: Path) -> EngineSpec:
    """The spec of the engine that opens a speaker model's file, by its suffix."""
    specs = registry.list_specs("embedding")
    return next((s for s in specs if model.suffix in s.weights[0].suffixes), specs[0])


def find_diarizer(name: str) -> EngineSpec:
    """The spec of the diarizer that settings name."""
    return registry.find("diarization", name)


def hears_turns(name: str) -> bool:
    """Whether a diarizer finds turns in the sound by itself, before there are embeddings."""
    return find_diarizer(name).capabilities.reads == "sound"


def build_diarizer(name: str, model: Path, device: Device = "cpu") -> Engine:
    """The diarizer of this name: what it answers depends on what it reads (`Capabilities.reads`)."""
    spec = find_diarizer(name)
    return spec.build(None, model, spec.choose_device(device))


def build_segmenter(weights: ResolvedWeights, device: Device = "cpu") -> Engine:
    """The network of the diarizer that these weights are of, which finds who of a few local speakers is active."""
    specs = registry.list_specs("diarization")
    spec = next(s for s in specs if weights.kind in {each.kind for each in s.weights})
    return spec.build(None, weights.path, spec.choose_device(device))
