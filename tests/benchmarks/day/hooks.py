"""What a run does when, heard from inside its process without a line of its code changed.

Stages come from the run's own progress, engine calls from the seam that all of them pass
(`tasks.engines.calls.EnginePool`), the work of steps from their meters (`tasks.step.Meter`), decoding from
`tasks.audio.decode`. Times are of the system's monotonic clock, which all processes share. A step's own
work is told in seconds of its thread's processor time: beside busy engines, the clock on the wall would tell of them.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.benchmarks.processes import resident_mb

STEPS = {
    "map_speech": "speech map",
    "plan_chunks": "plan",
    "find_language": "language",
    "separate": "separation",
    "transcribe": "transcription",
    "punctuate": "punctuation",
    "embed": "embedding",
    "find_turns": "diarization",
    "link_speakers": "linking",
    "join_chunks": "seams",
    "merge": "merging",
}
"""Tasks, by the names of their functions."""


@dataclass(slots=True)
class Heard:
    """Of one run; plain JSON.

    `stages`: (name, when it began, resident MiB then). `chunks`: (chunks done, resident MiB then). `calls`: (engine,
    began, ended, seconds of loading before). `bodies`: (step, began, ended, seconds of its own work: neither engine
    nor decoding). `decoding`: (began, ended, seconds of work).
    """

    stages: list[tuple[str, float, float]] = field(default_factory=list)
    chunks: list[tuple[int, float]] = field(default_factory=list)
    calls: list[tuple[str, float, float, float]] = field(default_factory=list)
    bodies: list[tuple[str, float, float, float]] = field(default_factory=list)
    decoding: list[tuple[float, float, float]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        return asdict(self)


class Hooks:
    """Put in place once, before the run."""

    def __init__(self) -> None:
        self.heard = Heard()
        self._own = threading.local()  # .cpu: at the meter's start; .elsewhere: spent in engines and decoding since

    def listen(self, snapshot: Any) -> None:
        """A listener of `flows.reporting.progress`."""
        if not self.heard.stages or self.heard.stages[-1][0] != snapshot.stage:
            self.heard.stages.append((snapshot.stage, time.monotonic(), resident_mb()))
        if snapshot.chunks_done > (self.heard.chunks[-1][0] if self.heard.chunks else 0):
            self.heard.chunks.append((snapshot.chunks_done, resident_mb()))

    def install(self) -> None:
        from tasks.audio import decode
        from tasks.engines.calls import EnginePool
        from tasks.engines.engine import Engine
        from tasks.step import Meter

        call, read, start, finish = EnginePool.call, decode._load_span, Meter.__init__, Meter.manifest

        def heard_call(pool: EnginePool, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Any:
            cpu = time.thread_time()
            answer = call(pool, engine, method, *args, **kwargs)
            ended = time.monotonic()
            self._spent(time.thread_time() - cpu)
            self.heard.calls.append((engine.name, ended - answer.run_s, ended, answer.load_s))
            return answer

        def heard_read(*args: Any) -> Any:
            began, cpu = time.monotonic(), time.thread_time()
            samples = read(*args)
            spent = time.thread_time() - cpu
            self._spent(spent)
            self.heard.decoding.append((began, time.monotonic(), spent))
            return samples

        def started(meter: Meter, *args: Any, **kwargs: Any) -> None:
            start(meter, *args, **kwargs)
            self._own.began, self._own.cpu, self._own.elsewhere = time.monotonic(), time.thread_time(), 0.0

        def finished(meter: Meter, *args: Any, **kwargs: Any) -> Any:
            manifest = finish(meter, *args, **kwargs)
            own = time.thread_time() - self._own.cpu - self._own.elsewhere
            function = sys._getframe(1).f_code.co_name
            self.heard.bodies.append((STEPS.get(function, function), self._own.began, time.monotonic(), own))
            return manifest

        for place, name, new in (
            (EnginePool, "call", heard_call),
            (decode, "_load_span", heard_read),
            (Meter, "__init__", started),
            (Meter, "manifest", finished),
        ):
            setattr(place, name, new)

    def _spent(self, seconds: float) -> None:
        self._own.elsewhere = getattr(self._own, "elsewhere", 0.0) + seconds
