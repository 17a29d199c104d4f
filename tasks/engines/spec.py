"""What an engine is, can do and needs, in one frozen value: `EngineSpec`, of which `registry.py` has one for each.

An engine's module holds its `SPEC`, its `load(**options)` and what that returns (`protocols.py`), and imports its
package inside `load` alone. Generic code asks `capabilities`, never what an engine is called.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from tasks.engines.engine import Engine

Step = Literal["transcription", "diarization", "embedding", "alignment"]
Device = Literal["cpu", "cuda"]
Build = Callable[[Any, Path, Device], Engine]
"""`build(settings, weights, device)`: the settings of transcription, None for engines of other steps; the file or
folder of the weights; and where to run."""

REMOTE = "remote:"
"""Beginning of what cache keys know a model by that runs elsewhere: its name follows."""


class EngineSettings(BaseModel):
    """Settings of one engine alone, beside those that its step's settings have: `transcription.NAME`, say."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    without_effect: ClassVar[frozenset[str]] = frozenset()
    """Settings that change no result: they are in no cache key and no digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can do. Fields that mean nothing to its step stay at their defaults."""

    languages: tuple[str, ...] | None = None
    """Codes of the languages that it knows; None where that is a matter of its weights."""
    detects_language: bool = True
    """Whether `detect_languages` answers anything."""
    mixes_languages: bool = False
    """Whether one call may hold several languages."""
    word_times: Literal["none", "starts", "full"] = "full"
    confidences: bool = False
    """Whether words come with their probabilities."""
    punctuates: bool | None = None
    """Whether its text has punctuation; None where that is a matter of its weights."""
    context: bool = False
    """Whether text before a stretch may guide its decoding (`transcription.condition_on_previous_text`)."""
    prompt: bool = False
    translates: bool = False
    """Whether it can write English, whatever is spoken (`transcription.into_english`)."""
    hotwords: bool = False
    beams: bool = False
    """Whether `transcription.beam_size` means anything to it."""
    batches: bool = False
    """Whether it decodes several stretches at a time."""
    precisions: tuple[str, ...] = ()
    """Values of `transcription.compute_type` that it takes beside auto."""
    redecodes: bool = False
    """Whether the options of a second decoding may find other text in the same sound: beams, blocked repetitions."""
    longest_s: float | None = None
    """Longest stretch of sound of one call, seconds; None: any."""
    devices: tuple[Device, ...] = ("cpu", "cuda")
    """Where it runs; on another machine's device it runs on the first of these."""
    reads: Literal["sound", "embeddings", "segments"] = "sound"
    """What a diarizer makes its turns of: the sound; embeddings of windows; or these, of windows that a network of
    its own placed."""
    sees_overlap: bool = False
    most_speakers: int | None = None
    """Speakers of one chunk that a diarizer tells apart; None: any number."""
    deterministic: bool = True
    remote: bool = False
    """Whether the sound leaves this machine."""

    @property
    def terms(self) -> bool:
        """Whether it can be told which terms to expect, in whatever way."""
        return self.hotwords or self.prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFormat:
    """Weights of one kind as an engine reads them: a folder, or one file."""

    kind: str
    """The step, and behind a slash the engine where the step's engines read different files."""
    setting: str
    """The setting that names them: `transcription.model`."""
    maker: str
    """The toolkit whose format it is."""
    patterns: tuple[str, ...] = ()
    """Names of the files that the engine reads, in a repository's top folder."""
    essential: tuple[str, ...] = ()
    """Without these a folder is not a model of this kind."""
    suffixes: tuple[str, ...] = ()
    """Suffixes of models that are one file; without any, a model is a folder."""
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Short names -> the repository of the hub that each means to this engine."""
    defaults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Device -> the name that `auto` means there; empty where there is no default."""
    from_hub: bool = True
    """Whether they may be a repository of the hub; else a file or a folder on this machine."""
    remote: bool = False
    """Whether there is nothing to have: the name is one of somebody else's service."""

    def __hash__(self) -> int:
        return hash((self.kind, self.setting, self.maker))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """One engine of a step."""

    step: Step
    name: str
    """As the settings name it."""
    summary: str
    """What it is good for, in a few words, for lists of engines."""
    provenance: str
    """Whose code and whose weights run, in one sentence."""
    build: Build
    capabilities: Capabilities = Capabilities()
    settings: type[EngineSettings] = EngineSettings
    """Of a recogniser; engines of other steps have none."""
    weights: tuple[WeightsFormat, ...] = ()
    """The first are those of its step; further ones are others that it reads."""
    packages: tuple[str, ...] = ()
    """Modules that must be there to import."""
    install: str = ""
    """The command that installs them."""
    platforms: tuple[str, ...] = ()
    """Values of `sys.platform` that it runs on; empty: all."""
    check: str = ""
    """`module:function` of `(settings, name, folder or None)`; raises UsageError for what its weights can't do."""
    check_device: str = ""
    """`module:function` of the device that it would run on; raises UsageError where its package can't use that."""
    find_destination: str = ""
    """`module:function` of the step's settings: the host that sound is sent to, None where that is this machine. Of
    engines that run elsewhere; without it sound always leaves this machine."""
    read_languages: str = ""
    """`module:function` of `(name, folder or None)`: codes of the languages that weights know, None if unknown."""

    def find_obstacle(self) -> str | None:
        """Explain, in one line, why it can't run on this machine, and what to do; None if it can."""
        if self.platforms and sys.platform not in self.platforms:
            return f"runs on {' and '.join(self.platforms)} only, and this is {sys.platform}"
        absent = [package for package in self.packages if not _is_importable(package)]
        if absent:
            return f"its package {', '.join(absent)} is not installed. Install it with: {self.install}"
        return None

    def choose_device(self, device: Device) -> Device:
        """The device that it runs on, on a machine where others run on `device`."""
        return device if device in self.capabilities.devices else self.capabilities.devices[0]

    def read_settings(self, settings: Any) -> Any:
        """Its own settings, an instance of `self.settings`, of a step's settings."""
        extra = getattr(settings, "__pydantic_extra__", None) or {}
        return self.settings.model_validate({k: v for k, v in extra.items() if k in self.settings.model_fields})


def _is_importable(package: str) -> bool:
    """Whether a module could be imported, without doing so."""
    if package in sys.modules:
        return sys.modules[package] is not None
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
