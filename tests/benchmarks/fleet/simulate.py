"""Simulate a fleet: workers take one recording after another; what they share slows all that use it.

A recording passes four phases (fetch, map, chunks, publish), each of which takes some seconds where nothing is
short and uses so much of each shared resource. Where the workers in their phases want more of a resource than there
is, the phases that use it run slower, all by the same factor: processor sharing.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.benchmarks.fleet.parts import Parts

GPU, NOTHING = "GPU", "nothing"


@dataclass(frozen=True, slots=True)
class Phase:
    """`seconds`: where nothing is short; `uses`: of each shared resource, in its unit; `on_gpu`: the engines work."""

    name: str
    seconds: float
    uses: Mapping[str, float] = field(default_factory=dict)
    on_gpu: bool = False


@dataclass(frozen=True, slots=True)
class Fleet:
    """What came of a fleet. `mean`, `peak`: of each shared resource, as a share of what there is (the peak before
    anything was slowed); `lost_s`: seconds that workers waited for each, summed; `gpu_share`: of the fleet's time in
    which an engine works."""

    workers: int
    seconds: float
    gpu_share: float
    mean: dict[str, float]
    peak: dict[str, float]
    lost_s: dict[str, float]

    @property
    def bottleneck(self) -> str:
        """The shared resource that cost the workers most; the GPUs, where less than a twentieth was lost so."""
        worst = max(self.lost_s, key=lambda name: self.lost_s[name], default=NOTHING)
        return worst if worst != NOTHING and self.lost_s[worst] > 0.05 * self.seconds * self.workers else GPU


def list_phases(parts: Parts, hours: float) -> list[Phase]:
    """The phases of a recording of so many hours."""
    fetch_s = parts.source_mb / parts.worker_mb_per_s
    chunks_s = max(3600 / parts.times_real, compute_cores_s(parts))
    moved = parts.storage_mb / 1e3
    work = {
        "Prefect API, requests": parts.requests, "Prefect database, events": parts.events,
        "storage, requests": parts.storage_reads + parts.storage_writes, "storage, GB": moved,
    }  # fmt: skip
    phases = [
        Phase("fetch", fetch_s, {"storage, GB": parts.source_mb / 1e3}),
        Phase("map", parts.map_s),
        Phase("chunks", chunks_s, work, on_gpu=True),
        Phase("publish", parts.publish_s),
    ]
    scaled = [Phase(p.name, p.seconds * hours, {k: v * hours for k, v in p.uses.items()}, p.on_gpu) for p in phases]
    return [phase for phase in scaled if phase.seconds > 0]


def compute_cores_s(parts: Parts) -> float:
    """Seconds that a worker's own cores take beside the engines, of an hour's chunks: they bound a fast device."""
    return (parts.cpu_s - parts.map_s - parts.publish_s) / parts.worker_cores


def list_capacities(parts: Parts, api_servers: float = 1.0) -> dict[str, float]:
    """What there is a second of each shared resource."""
    return {
        "Prefect API, requests": parts.api_requests_per_s * api_servers,
        "Prefect database, events": parts.api_events_per_s * api_servers,
        "storage, requests": parts.storage_requests_per_s,
        "storage, GB": parts.storage_gb_per_s,
    }


def simulate(
    phases: list[Phase], capacities: Mapping[str, float], workers: int, recordings: int, engine_s: float
) -> Fleet:
    """Simulate until all recordings are done. `engine_s`: seconds that a GPU works on one of them.

    Workers in one phase advance alike, so each phase has a clock of its own: a worker leaves it when that clock has
    advanced by the phase's seconds.
    """
    clocks, inside = [0.0] * len(phases), [list[float]() for _ in phases]
    left, now = recordings, 0.0
    used, peak, lost = (dict.fromkeys(capacities, 0.0) for _ in range(3))

    def enter(phase: int) -> None:
        heapq.heappush(inside[phase], clocks[phase] + phases[phase].seconds)

    for _ in range(min(workers, recordings)):
        enter(0)
        left -= 1
    while any(inside):
        wanted = {
            name: sum(len(inside[i]) * p.uses.get(name, 0.0) / p.seconds for i, p in enumerate(phases)) / limit
            for name, limit in capacities.items()
        }
        short = [max((wanted[n], n) for n in p.uses) if p.uses else (0.0, NOTHING) for p in phases]
        speeds = [1 / max(1.0, share) for share, _ in short]
        step = min((ends[0] - clocks[i]) / speeds[i] for i, ends in enumerate(inside) if ends)
        now += step
        for i, speed in enumerate(speeds):
            clocks[i] += step * speed
            if speed < 1:
                lost[short[i][1]] += len(inside[i]) * step * (1 - speed)
            for name, amount in phases[i].uses.items():
                used[name] += len(inside[i]) * amount / phases[i].seconds * step * speed
        peak = {name: max(peak[name], wanted[name]) for name in peak}
        for i, ends in enumerate(inside):
            while ends and ends[0] - clocks[i] < 1e-6 * phases[i].seconds:
                heapq.heappop(ends)
                if i + 1 < len(phases):
                    enter(i + 1)
                elif left:
                    enter(0)
                    left -= 1
    mean = {name: used[name] / now / limit for name, limit in capacities.items()}
    busy = recordings * engine_s / (workers * now)
    return Fleet(workers, now, busy, mean, peak, lost)
