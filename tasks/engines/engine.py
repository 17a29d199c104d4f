"""The description of an engine: a loader's `module:function` and its options, so that any process can load it.

>>> Engine.of("transcription/faster-whisper", "tasks.transcription.whisper:load", model="/m", device="cpu").options
(('device', 'cpu'), ('model', '/m'))
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

Keep = Literal["all", "one"]
Where = Literal["process", "child", "shared"]
LOAD = ""
"""In place of a method: the engine is loaded if it isn't, and does nothing."""


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
    """The value an engine call returned, its times in seconds and the peak memory of its process in MiB."""

    value: Any
    run_s: float
    wait_s: float = 0.0
    load_s: float = 0.0
    peak_mb: float = 0.0
