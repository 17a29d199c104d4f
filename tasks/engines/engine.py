"""An engine to load, named by where its loader stands, so that it can be loaded in this process or in a child.

>>> Engine.of("transcription/faster-whisper", "tasks.transcription.whisper:load", model="/m", device="cpu").options
(('device', 'cpu'), ('model', '/m'))
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

Keep = Literal["all", "one"]
Where = Literal["process", "child"]


@dataclass(frozen=True, slots=True)
class Engine:
    """What to load. `options` are the loader's keyword arguments, JSON values only."""

    name: str
    loader: str
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, name: str, loader: str, **options: Any) -> Engine:
        return cls(name, loader, tuple(sorted(options.items())))

    def load(self) -> Any:
        module, _, function = self.loader.partition(":")
        return getattr(importlib.import_module(module), function)(**dict(self.options))


@dataclass(frozen=True, slots=True)
class Call:
    """What an engine answered, and what that cost: seconds, and the most memory of its process meanwhile, MiB."""

    value: Any
    run_s: float
    wait_s: float = 0.0
    load_s: float = 0.0
    peak_mb: float = 0.0
