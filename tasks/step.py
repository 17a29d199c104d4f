"""What every step's task is given and gives back: a place to work in, a meter of what it cost, a manifest.

A manifest is small and plain JSON; what it names lies in the artifact store:

    {"artifacts": {"words": "transcription/3f/3f9a….json"}, "facts": {"num_words": 812},
     "cost": {"seconds": 12.3, "wait_s": 0.1, "peak_mb": 812.0, "engine_calls": 2}, "digest": "3f9a…"}

`artifacts` and `facts` are what the step found, and enter the keys of the steps that follow; `cost` doesn't.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tasks.engines import calls
from tasks.engines.calls import EnginePool
from tasks.engines.engine import Engine
from tasks.engines.memory import resident_mb
from tasks.records import Audio, Sound, StepCost
from tasks.storage.artifacts import ArtifactStore, compute_json_digest, is_artifact_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]


class Cost(TypedDict):
    """Seconds; MiB."""

    seconds: float
    wait_s: float
    load_s: float
    peak_mb: float
    engine_calls: int


class Manifest(TypedDict):
    """What a step gives back."""

    artifacts: dict[str, str]
    facts: dict[str, Any]
    cost: Cost
    digest: str
    """Of artifacts and facts: a record that was edited by hand is not believed."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where a step works. Never part of its key."""

    store: ArtifactStore
    read: Callable[..., Samples]
    """`read(audio, span, open_artifact)` -> float32 (n,) at 16 kHz; room `audio` does it, the flow hands it in."""
    device: Literal["cpu", "cuda"] = "cpu"
    engines: EnginePool = calls.default_pool

    def identity(self) -> None:
        return None

    def meter(self) -> Meter:
        """A meter that asks the engines of this place; make it when the step starts."""
        return Meter(self.engines)

    def samples(self, sound: Sound, separated: Mapping[str, Any] | None = None) -> Samples:
        """The sound as float32 (n,) at 16 kHz, read-only; from a separation's manifest where one is given."""
        audio = sound.audio
        if separated is not None:
            name = separated["artifacts"]["vocals"]
            audio = Audio(key=name, artifact=name, offset_s=sound.span.start_s)
        return self.read(audio, sound.span, self.store.get_audio)


@dataclass(slots=True)
class Meter:
    """Asks engines of a pool, and adds up what that took."""

    engines: EnginePool = calls.default_pool
    _started: float = field(default_factory=time.perf_counter)
    wait_s: float = 0.0
    load_s: float = 0.0
    engine_calls: int = 0
    peak_mb: float = 0.0

    def ask(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Any:
        """The engine's answer."""
        call = self.engines.call(engine, method, *args, **kwargs)
        self.wait_s += call.wait_s
        self.load_s += call.load_s
        self.engine_calls += 1
        self.peak_mb = max(self.peak_mb, call.peak_mb)
        return call.value

    def include(self, others: Sequence[Meter]) -> None:
        """Add what other meters took while this one ran, side by side: of their waiting and loading, the longest."""
        self.wait_s += max((other.wait_s for other in others), default=0.0)
        self.load_s += max((other.load_s for other in others), default=0.0)
        self.engine_calls += sum(other.engine_calls for other in others)
        self.peak_mb = max([self.peak_mb, *(other.peak_mb for other in others)])

    def manifest(self, artifacts: dict[str, str] | None = None, **facts: Any) -> Manifest:
        """The step's manifest, with the seconds since the meter was made (less those spent waiting)."""
        seconds = time.perf_counter() - self._started - self.wait_s
        return {
            "artifacts": artifacts or {},
            "facts": facts,
            "digest": compute_found_digest(artifacts or {}, facts),
            "cost": {
                "seconds": round(seconds, 4),
                "wait_s": round(self.wait_s, 4),
                "load_s": round(self.load_s, 4),
                "peak_mb": round(self.peak_mb or resident_mb(), 1),
                "engine_calls": self.engine_calls,
            },
        }


def compute_found_digest(artifacts: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    """SHA-256 of what a step found."""
    return compute_json_digest({"artifacts": artifacts, "facts": facts})


PROVISIONAL = "provisional"
"""The fact of a step's result that the next run makes anew, because something was not to be had this time."""


def check_manifest(manifest: Any) -> Manifest:
    """What was read from disk, if it is a manifest as steps write them. Raises ValueError otherwise."""
    if not isinstance(manifest, dict) or manifest.keys() != Manifest.__annotations__.keys():
        raise ValueError("no manifest")
    artifacts, facts, cost = manifest["artifacts"], manifest["facts"], manifest["cost"]
    if (
        not all(isinstance(part, dict) for part in (artifacts, facts, cost))
        or cost.keys() != Cost.__annotations__.keys()
    ):
        raise ValueError("a manifest with other parts")
    if not all(isinstance(number, (int, float)) for number in cost.values()):
        raise ValueError("a cost that is no number")
    if not all(is_artifact_name(name) for name in artifacts.values()):
        raise ValueError("an artifact of no such name")
    if manifest["digest"] != compute_found_digest(artifacts, facts):
        raise ValueError("it was changed")
    return manifest  # type: ignore[return-value]  # looked at just now


def read_step_cost(manifest: Mapping[str, Any], cached: bool) -> StepCost:
    """A manifest's cost as the table `chunks` has it."""
    cost = manifest["cost"]
    return StepCost(cost["seconds"], cost["wait_s"], cost["peak_mb"], cached)
