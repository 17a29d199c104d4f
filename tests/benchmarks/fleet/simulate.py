"""Simulate a fleet: workers take one recording after another; what they share slows all that use it.

A recording passes phases (before, fetch, map, chunks, publish, after), each of which takes some seconds where nothing
is short and uses so much of each shared resource. Where the workers in their phases want more of a resource than
there is, the phases that use it run slower, all by the same factor: processor sharing. Of a machine's cores only the
share of a phase is slowed that computes: engines on a device, and waiting, go on.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.benchmarks.fleet.parts import Parts

GPU, NOTHING = "GPU", "nothing"
CORES = "the workers' cores"
API_CORES = "Prefect API, processor"


@dataclass(frozen=True, slots=True)
class Phase:
    """`seconds`: where nothing is short; `uses`: of each shared resource, in its unit; `on_gpu`: the engines work;
    `is_first`: only a worker's first recording passes it."""

    name: str
    seconds: float
    uses: Mapping[str, float] = field(default_factory=dict)
    on_gpu: bool = False
    is_first: bool = False

    @property
    def computing(self) -> float:
        """The share of the phase that computes, on a core or on several."""
        return min(1.0, self.uses.get(CORES, 0.0) / self.seconds)


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
    map_s, publish_s = parts.map_s * hours, parts.publish_s * hours
    chunks_s = 3600 / parts.times_real * hours
    of_server = parts.server_cpu_s * hours / max(1e-9, map_s + chunks_s + publish_s)
    work = {
        "Prefect API, requests": parts.requests, "Prefect database, events": parts.events,
        "storage, requests": parts.storage_reads + parts.storage_writes, "storage, GB": parts.storage_mb / 1e3,
    }  # fmt: skip

    def use(seconds: float, cpu_s: float) -> dict[str, float]:
        return {CORES: cpu_s * hours, API_CORES: of_server * seconds}

    fetch_s = parts.source_mb * hours / parts.worker_mb_per_s
    around = {CORES: parts.around_cpu_s, API_CORES: parts.around_server_s}
    phases = [
        Phase("start", parts.start_s, {CORES: parts.start_cpu_s}, is_first=True),
        Phase("around", parts.around_s, around),
        Phase("fetch", fetch_s, {"storage, GB": parts.source_mb / 1e3 * hours}),
        Phase("map", map_s, use(map_s, parts.map_cpu_s)),
        Phase(
            "chunks",
            chunks_s,
            {name: used * hours for name, used in work.items()} | use(chunks_s, parts.chunks_cpu_s),
            on_gpu=True,
        ),
        Phase("publish", publish_s, use(publish_s, parts.publish_cpu_s)),
    ]
    return [phase for phase in phases if phase.seconds > 0]


def share_machine_with_server(phases: Sequence[Phase]) -> list[Phase]:
    """The phases of workers on whose machine Prefect's server runs, too."""
    return [
        replace(phase, uses={**phase.uses, CORES: phase.uses.get(CORES, 0.0) + phase.uses.get(API_CORES, 0.0)})
        for phase in phases
    ]


def list_capacities(parts: Parts, cores: float, api_servers: float = 1.0) -> dict[str, float]:
    """What there is a second of each shared resource. `cores`: of all workers' machines."""
    return {
        CORES: cores,
        API_CORES: parts.api_cores * api_servers,
        "Prefect API, requests": parts.api_requests_per_s * api_servers,
        "Prefect database, events": parts.api_events_per_s * api_servers,
        "storage, requests": parts.storage_requests_per_s,
        "storage, GB": parts.storage_gb_per_s,
    }


def find_stretch(workers: Sequence[int], phases: Sequence[Phase], cores: float) -> float:
    """How many times longer computing takes where `workers` in each phase share these cores; 1.0 where it is enough.

    Slowed, they compute less a second: by bisection, the stretch at which they use all cores and no more.
    """

    def use(stretch: float) -> float:
        return sum(
            count * phase.uses.get(CORES, 0.0) / phase.seconds / (1 + phase.computing * (stretch - 1))
            for count, phase in zip(workers, phases, strict=True)
        )

    low, high = 1.0, max(1.0, use(1.0) / cores)
    while use(high) > cores:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if use(middle) > cores else (low, middle)
    return high


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
    again = next(i for i, phase in enumerate(phases) if not phase.is_first)

    def enter(phase: int) -> None:
        heapq.heappush(inside[phase], clocks[phase] + phases[phase].seconds)

    for _ in range(min(workers, recordings)):
        enter(0)
        left -= 1
    while any(inside):
        counts = [len(ends) for ends in inside]
        wanted = {
            name: sum(n * p.uses.get(name, 0.0) / p.seconds for n, p in zip(counts, phases, strict=True)) / limit
            for name, limit in capacities.items()
        }
        stretches = {name: max(1.0, share) for name, share in wanted.items()}
        if stretches.get(CORES, 1.0) > 1:
            stretches[CORES] = find_stretch(counts, phases, capacities[CORES])
        short = [max(((_slow(p, n, s), n) for n, s in stretches.items()), default=(1.0, NOTHING)) for p in phases]
        speeds = [1 / slowed for slowed, _ in short]
        step = min((ends[0] - clocks[i]) / speeds[i] for i, ends in enumerate(inside) if ends)
        now += step
        for i, speed in enumerate(speeds):
            clocks[i] += step * speed
            if speed < 1:
                lost[short[i][1]] += counts[i] * step * (1 - speed)
            for name, amount in phases[i].uses.items():
                if name in used:
                    used[name] += counts[i] * amount / phases[i].seconds * step * speed
        peak = {name: max(peak[name], wanted[name]) for name in peak}
        for i, ends in enumerate(inside):
            while ends and ends[0] - clocks[i] < 1e-6 * phases[i].seconds:
                heapq.heappop(ends)
                if i + 1 < len(phases):
                    enter(i + 1)
                elif left:
                    enter(again)
                    left -= 1
    mean = {name: used[name] / now / limit for name, limit in capacities.items()}
    busy = recordings * engine_s / (workers * now)
    return Fleet(workers, now, busy, mean, peak, lost)


def _slow(phase: Phase, name: str, stretch: float) -> float:
    """How many times longer a phase takes where a resource is short by `stretch`."""
    if not phase.uses.get(name):
        return 1.0
    return 1 + phase.computing * (stretch - 1) if name == CORES else stretch
