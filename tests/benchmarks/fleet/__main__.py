"""What 1, 10, 100 and 1,000 GPUs would do with 10,000 recordings of a day: a simulation from measured parts.

A worker a GPU takes one recording after another. Shared by all: Prefect's API and database, and the object storage.
Parts are the defaults of `parts.py`, which names the benchmark that each is from, or are assumed; --from FILE takes
others: a JSON object of parts by name, or what `--measure --json`, or `orchestration --json`, wrote. --measure: the
parts of this machine, by a run with simulated engines. --check: one and two workers on this machine beside what the
simulation says of them; refused where the machine has other work. --quick: a hundred recordings.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.fleet.check import TIMES_REAL, check, run_server
from tests.benchmarks.fleet.measure import measure
from tests.benchmarks.fleet.parts import SOURCES, Parts, read_parts
from tests.benchmarks.fleet.simulate import API_CORES, CORES, Fleet, Phase, list_capacities, list_phases, simulate

GPUS = (1, 10, 100, 1000)
DAY_H = 24.0
ROOM = 0.7
"""How much of a service may be in use on average before another one is added."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--from", type=Path, dest="source", metavar="FILE", help="parts [those of parts.py]")
    parser.add_argument("--recordings", type=int, default=10_000, metavar="N", help="of a day each [10000]")
    parser.add_argument("--set", action="append", default=[], metavar="PART=NUMBER", help="a part, over the file's")
    parser.add_argument("--measure", action="store_true", help="measure the parts of this machine, and no more")
    parser.add_argument("--check", action="store_true", help="hold the simulation against this machine, and no more")
    given = parser.parse_args(arguments)
    figures: dict[str, Any]
    if given.measure:
        figures = {"measured": measure_here()}
        frame.show("one recording here", ["", ""], [[name, value] for name, value in figures["measured"].items()])
    elif given.check:
        figures = check()
        show_check(figures)
    else:
        try:
            parts = read_parts(given.source).merge(dict(each.split("=", 1) for each in given.set))
        except ValueError as error:
            raise SystemExit(f"--set: {error}") from None
        figures = simulate_fleets(parts, 100 if given.quick else given.recordings)
        show(parts, figures)
    frame.write(given.json, figures)
    return figures


def measure_here() -> dict[str, Any]:
    from tests.benchmarks.repeated_sample import repeat_sample

    with tempfile.TemporaryDirectory(prefix="daylong-fleet-") as folder, run_server() as server:
        return measure(repeat_sample(Path(folder), 1.0), TIMES_REAL, server)


def simulate_fleets(parts: Parts, recordings: int) -> dict[str, Any]:
    """The fleets of `GPUS`, with what each costs and needs."""
    phases = list_phases(parts, DAY_H)
    fleets = [simulate_one(parts, phases, gpus, recordings) for gpus in GPUS]
    return {"parts": asdict(parts), "sources": SOURCES, "recordings": recordings, "fleets": fleets}


def simulate_one(parts: Parts, phases: Any, gpus: int, recordings: int) -> dict[str, Any]:
    engine_s = DAY_H * 3600 / parts.times_real
    capacities = list_capacities(parts, gpus * parts.worker_cores)
    found = simulate(phases, capacities, gpus, recordings, engine_s)
    wanted = simulate(phases, dict.fromkeys(capacities, math.inf), gpus, recordings, engine_s)
    return {
        "gpus": gpus,
        "days": found.seconds / 86400,
        "recorded_h_per_h": recordings * DAY_H / (found.seconds / 3600),
        "gpu_share": found.gpu_share,
        "bottleneck": found.bottleneck,
        "cores_at_work": compute_cores_at_work(phases),
        "mean": found.mean,
        "peak": found.peak,
        "slowed": found.seconds / wanted.seconds,
        "cost_per_recorded_h": compute_cost(parts, found, gpus, recordings),
        "needs": find_needs(parts, wanted.seconds, recordings),
    }


def compute_cores_at_work(phases: Sequence[Phase]) -> float:
    """Cores that a worker keeps at work beside its engines, of one recording after another."""
    each = [phase for phase in phases if not phase.is_first]
    return sum(phase.uses.get(CORES, 0.0) for phase in each) / sum(phase.seconds for phase in each)


def compute_cost(parts: Parts, found: Fleet, gpus: int, recordings: int) -> float:
    """Dollars a recorded hour."""
    hours, recorded_h = found.seconds / 3600, recordings * DAY_H
    machines = (gpus * parts.gpu_hour + parts.server_hour) * hours / recorded_h
    storage = parts.storage_writes * parts.storage_1000_writes + parts.storage_reads * parts.storage_1000_reads
    moved = (parts.storage_mb + parts.source_mb) / 1e3 * parts.storage_gb_moved
    return machines + storage / 1e3 + moved


def find_needs(parts: Parts, seconds: float, recordings: int) -> dict[str, int]:
    """How many of each service it takes, each in use by `ROOM` at most, for the GPUs to wait for none."""
    each_s = recordings / seconds
    hours = DAY_H * each_s
    wants = {
        API_CORES: hours * parts.server_cpu_s + each_s * parts.around_server_s,
        "Prefect API, requests": hours * parts.requests,
        "Prefect database, events": hours * parts.events,
        "storage, requests": hours * (parts.storage_reads + parts.storage_writes),
        "storage, GB": hours * (parts.storage_mb + parts.source_mb) / 1e3,
    }
    limits = list_capacities(parts, parts.worker_cores)
    return {name: max(1, math.ceil(want / (ROOM * limits[name]))) for name, want in wants.items()}


def show(parts: Parts, figures: dict[str, Any]) -> None:
    fleets = figures["fleets"]
    names, services = list(fleets[0]["mean"]), list(fleets[0]["needs"])
    frame.show(
        f"{figures['recordings']:,} recordings of a day, engines at {parts.times_real:g} × real time",
        ["GPUs", "days", "recorded h an h", "GPUs at work", "slowed", "bottleneck", "$ a recorded h"],
        [
            [str(f["gpus"]), f["days"], round(f["recorded_h_per_h"]), f["gpu_share"], f["slowed"], f["bottleneck"],
             f["cost_per_recorded_h"]]
            for f in fleets
        ],
    )  # fmt: skip
    frame.show(
        "In use, on average (at the peak, where nothing were slowed), of one of each",
        ["GPUs", *names],
        [[str(f["gpus"]), *(f"{f['mean'][n]:.3f} ({f['peak'][n]:.2f})" for n in names)] for f in fleets],
    )
    frame.show(
        f"How many it takes, each in use by {ROOM:.0%} at most, for the GPUs to wait for none",
        ["GPUs", *services],
        [[str(f["gpus"]), *(f["needs"][n] for n in services)] for f in fleets],
    )
    print(f"\ncores that a GPU's worker keeps at work beside the engines: {fleets[0]['cores_at_work']:.2f}")
    measured = {name for names in SOURCES.values() for name in names}
    defaults = asdict(Parts())
    for source, of in SOURCES.items():
        print(f"{source}: {', '.join(n for n in of if getattr(parts, n) == defaults[n]) or '(given anew)'}")
    print(f"assumed: {', '.join(name for name in defaults if name not in measured)}")


def show_check(figures: dict[str, Any]) -> None:
    if refused := figures.get("refused"):
        print(f"not held against the real thing: {refused}")
        return
    frame.show(
        "The simulation beside this machine",
        ["workers", "predicted, s", "measured, s", "predicted/measured"],
        [[str(r["workers"]), r["predicted_s"], r["measured_s"], r["predicted_s"] / r["measured_s"]]
         for r in figures["checked"]],
    )  # fmt: skip


if __name__ == "__main__":
    main()
