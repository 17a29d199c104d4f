"""What a run does beside its engines, step by step, in seconds per recorded hour. Pure.

Stages in which one thing happens after another count by the clock on the wall, less the time in which an engine works
or is loaded. Among the chunks, where decoding and the steps' own work hide behind the engines, they count in full, by
their processor time, as though nothing overlapped: faster engines would hide less. What Prefect and the cache take
for these tasks is what the same stage takes where everything comes from the cache.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tasks.intervals import Span, clip, measure_union_s, subtract

PUBLISHED_X = 41.0
"""Recorded speech against time, of the standard weights' recogniser on a GPU: large-v3-turbo in half precision with
beams of 5 takes 19.2 s for 13 minutes on an RTX 2080 Ti (SYSTRAN/faster-whisper #1030)."""
ASSUMED_X = 100.0
"""The same on a newer card with batches, assumed. The other engines of a GPU are taken to cost nothing. Both are as
unkind to us as can be: the faster the engines, the more what stands beside them weighs."""
ON_THE_CPU = ("audio/silero", "diarization/clustering")
"""Engines that are the same with any weights and run on the CPU wherever there is a GPU: they count as measured."""
HOUR = 3600.0
STAGES = {
    "probe": "probe (digest of the file)",
    "speech map": "speech map beside Silero (decoding)",
    "plan": "plan",
    "language": "language",
    "linking": "linking",
    "seams": "seams",
    "merging": "merging",
    "publishing": "publish",
}
STEPS = ("separation", "transcription", "punctuation", "embedding", "diarization")


@dataclass(frozen=True, slots=True)
class Beside:
    """Seconds per recorded hour. `rows`: by step. `engines`: by name, each one's own time, whatever ran beside it.
    `idle_s`: no engine at work, from the start of the process to its end, engines' loading left out."""

    rows: dict[str, float]
    engines: dict[str, float]
    loading_s: float
    idle_s: float
    speech_s: float

    @property
    def total_s(self) -> float:
        return sum(self.rows.values())

    def gpu_engines_s(self, x: float = ASSUMED_X) -> float:
        """What the engines would take with the standard weights on a GPU that recognises `x` times faster than people
        speak."""
        return self.speech_s / x + sum(self.engines.get(name, 0.0) for name in ON_THE_CPU)

    def gpu_share(self, x: float = ASSUMED_X, without: Sequence[str] = ()) -> float:
        """Of what stands beside such engines in the whole, 0–1; `without` some rows."""
        beside_s = sum(s for row, s in self.rows.items() if row not in without)
        return beside_s / (beside_s + self.gpu_engines_s(x))


START, END = "start (imports, Prefect's server)", "end (Prefect's server stops)"


def beside(fresh: dict[str, Any], cached: dict[str, Any]) -> Beside:
    """From two runs of one recording: each has `launched`, `ended` and what `hooks.Heard` heard."""
    hours = fresh["outcome"]["duration_s"] / HOUR
    engines: dict[str, float] = defaultdict(float)
    busy: list[Span] = []
    for name, began, ended, load_s in fresh["heard"]["calls"]:
        engines[name] += (ended - began) / hours
        busy.append(Span(began - load_s, ended))
    idle = subtract([Span(fresh["launched"], fresh["ended"])], busy)
    spans = stages(fresh)
    rows = {START: measure_union_s(clip(idle, spans[START]))}
    rows |= {row: measure_union_s(clip(idle, spans[stage])) for stage, row in STAGES.items()}
    rows["chunks: decoding"] = sum(cpu for began, _, cpu in fresh["heard"]["decoding"] if began in spans["chunks"])
    for step in STEPS:
        own = [cpu for name, began, _, cpu in fresh["heard"]["bodies"] if name == step and began in spans["chunks"]]
        if own:
            rows[f"chunks: {step} beside its engine"] = sum(own)
    rows["chunks: Prefect and the cache"] = stages(cached)["chunks"].duration_s
    rows[END] = measure_union_s(clip(idle, spans[END]))
    return Beside(
        {name: seconds / hours for name, seconds in rows.items()},
        dict(engines),
        sum(c[3] for c in fresh["heard"]["calls"]),
        measure_union_s(idle) / hours,
        fresh["outcome"]["speech_s"] / hours,
    )


def stages(run: dict[str, Any]) -> dict[str, Span]:
    """When each stage of a run was; before the first one it starts, after "done" it ends."""
    told = [(name, began) for name, began, _ in run["heard"]["stages"]]
    marks = [(START, run["launched"]), *told, ("", run["ended"])]
    spans = {name: Span(a, b) for (name, a), (_, b) in pairwise(marks)}
    spans[END] = spans.pop("done")
    return spans
