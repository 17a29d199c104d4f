"""Engines of other distributions: a package with an entry point, written where Python finds it; and recognisers that
can do less than Whisper."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tasks.engines import registry
from tasks.engines.engine import Engine
from tasks.engines.spec import Capabilities, EngineSpec, WeightsFormat

ECHO = """
from __future__ import annotations

from pathlib import Path

from pydantic import Field
from tasks.engines.engine import Engine
from tasks.engines.spec import Capabilities, EngineSettings, EngineSpec, WeightsFormat


class EchoSettings(EngineSettings):
    greeting: str = Field("hello", description="What is said.")
    times: int = Field(1, ge=1, le=9, description="How often.")


class Echo:
    def __init__(self, greeting, times):
        self.words = [greeting] * times

    def transcribe(self, samples, stretches, language=None, options=None):
        if options:
            raise ValueError(f"options that nobody takes: {options}")
        return [
            {"start": a, "end": b, "word": f" {word}", "probability": None, "stretch": i}
            for i, (a, b) in enumerate(stretches) for word in self.words
        ]

    def detect_languages(self, samples, stretches):
        return [[] for _ in stretches]


def load(greeting, times):
    return Echo(greeting, times)


def build(settings, weights, device):
    own = SPEC.read_settings(settings)
    return Engine.of("transcription/echo", "echo_engine.recogniser:load", greeting=own.greeting, times=own.times)


SPEC = EngineSpec(
    step="transcription",
    name="echo",
    summary="greets whoever speaks",
    provenance="Code of this test; no weights.",
    build=build,
    settings=EchoSettings,
    capabilities=Capabilities(detects_language=False, languages=("en",)),
    weights=(
        WeightsFormat(
            kind="transcription/echo",
            setting="transcription.model",
            maker="echo",
            patterns=("echo.txt",),
            essential=("echo.txt",),
            names={"loud": "echoes/loud"},
            from_hub=False,
        ),
    ),
    packages=("echo_engine",),
    install="pip install echo-engine",
)
"""


@contextmanager
def install(folder: Path, code: str = ECHO, name: str = "echo", group: str = "daylong.recognisers") -> Iterator[None]:
    """A distribution `echo-engine` in `folder`, with an entry point of this group, while the block runs."""
    package, facts = folder / "echo_engine", folder / "echo_engine-1.0.dist-info"
    package.mkdir(parents=True)
    facts.mkdir()
    (package / "__init__.py").write_text("")
    (package / "recogniser.py").write_text(code)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-engine\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[{group}]\n{name} = echo_engine.recogniser:SPEC\n")
    sys.path.insert(0, str(folder))
    registry.clear()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for module in [each for each in sys.modules if each.partition(".")[0] == "echo_engine"]:
            del sys.modules[module]
        registry.clear()


def build_nothing(_settings: Any, _weights: Path, _device: str) -> Engine:
    return Engine.of("transcription/other", "tests.helpers.other_engines:nothing")


@contextmanager
def register(name: str = "other", **changes: Any) -> Iterator[EngineSpec]:
    """A recogniser in the registry while the block runs; `changes`: fields of its spec."""
    given: dict[str, Any] = {
        "step": "transcription",
        "summary": "a test",
        "provenance": "Code of this test; no weights.",
        "build": build_nothing,
        "capabilities": Capabilities(),
        "weights": (WeightsFormat(kind=f"transcription/{name}", setting="transcription.model", maker=name),),
    }
    spec = EngineSpec(name=name, **(given | changes))
    globals()[f"SPEC_{name}"] = spec
    with patch.dict(registry.BUILT_IN["transcription"], {name: f"{__name__}:SPEC_{name}"}):
        registry.clear()
        yield spec
    registry.clear()
