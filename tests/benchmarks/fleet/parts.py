"""The parts that the simulation is made of, with where each figure is from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Parts:
    """What a recorded hour costs, what the fleet's services carry, and prices. A GPU's worker is one flow run at a
    time on a machine of its own cores."""

    # A recorded hour.
    times_real: float = 100.0
    """Speed of all engines together on one device; assumed: no GPU has been measured."""
    map_s: float = 5.6
    """Before the chunks: decoding and the speech map."""
    map_cpu_s: float = 10.5
    """Processor time of it, as below: of the run's process and its children, without Prefect's server."""
    chunks_cpu_s: float = 3.9
    """Beside the engines' own."""
    publish_s: float = 4.2
    """After and beside the chunks: the rest of what is not the engines' time for the sound without its overlaps."""
    publish_cpu_s: float = 1.7
    server_cpu_s: float = 0.27
    """Processor time of Prefect's server, with its SQLite, beyond what it uses idle."""
    task_runs: float = 12.0
    events: float = 43.0
    """Messages that Prefect's server makes rows of, and task runs."""
    requests: float = 28.0
    """Requests to Prefect's server."""
    storage_reads: float = 97.0
    storage_writes: float = 141.0
    """Listing counts as a write, as storages bill it."""
    storage_mb: float = 15.9
    """To and from the storage, without the source."""
    source_mb: float = 30.0
    """The recording itself: 64 kbit/s, assumed."""

    # A recording, whatever its length: what its run takes before and after these.
    around_s: float = 0.4
    around_cpu_s: float = 0.14
    around_server_s: float = 0.09

    # A worker: what its first recording takes more.
    start_s: float = 2.6
    start_cpu_s: float = 1.9

    # What carries it; all assumed.
    worker_mb_per_s: float = 100.0
    """From the storage to one worker."""
    worker_cores: float = 8.0
    api_requests_per_s: float = 100.0
    """One API server of Prefect's."""
    api_cores: float = 1.0
    """What one API server, a process of Python, uses at most."""
    api_events_per_s: float = 200.0
    """One PostgreSQL behind it: events to rows."""
    storage_requests_per_s: float = 3500.0
    """A prefix of S3, writes."""
    storage_gb_per_s: float = 10.0

    # Prices in dollars; all assumed.
    gpu_hour: float = 2.0
    """A GPU with its machine's cores."""
    server_hour: float = 0.5
    """Prefect's API servers and PostgreSQL."""
    storage_1000_writes: float = 0.005
    storage_1000_reads: float = 0.0004
    storage_gb_moved: float = 0.0
    """Within one region."""

    def merge(self, given: dict[str, Any]) -> Parts:
        """These parts with those of a file. Raises ValueError for a name that is none."""
        unknown = sorted(given.keys() - {field.name for field in fields(self)})
        if unknown:
            raise ValueError(f"no such part: {', '.join(unknown)}")
        return replace(self, **{name: float(value) for name, value in given.items()})


SOURCES = {
    "fleet --measure, an hour on a quiet machine, November 2026": (
        *("map_s", "map_cpu_s", "chunks_cpu_s", "publish_s", "publish_cpu_s", "server_cpu_s"),
        *("around_s", "around_cpu_s", "around_server_s", "start_s", "start_cpu_s"),
        *("task_runs", "events", "requests", "storage_reads", "storage_writes", "storage_mb"),
    ),
}
"""Which benchmark the defaults are from, on two cores; the others are assumed."""


COUNTS = ("task_runs", "events", "requests", "storage_reads")


def read_parts(file: Path | None) -> Parts:
    """The defaults, with what a file says over them: parts by name, or the answer of `--measure`, or that of the
    benchmarks `orchestration` and `day`. Exits with one line where it says something else."""
    if file is None:
        return Parts()
    given = json.loads(file.read_text(encoding="utf-8"))
    given.pop("machine", None)
    try:
        if "measured" in given:
            return Parts().merge(convert_measured(given["measured"]))
        if "first" in given:
            return Parts().merge(convert_orchestration(given))
        return Parts().merge(given)
    except (ValueError, TypeError) as error:
        raise SystemExit(f"{file}: {error}; there are {', '.join(asdict(Parts()))}") from None


def convert_measured(found: dict[str, float]) -> dict[str, float]:
    """Parts from what `--measure` found of a recording."""
    hours = found["recorded_s"] / 3600
    beside = max(0.0, found["chunks_s"] - found["recorded_s"] / found["times_real"])
    names = (
        "map_s",
        "map_cpu_s",
        "chunks_cpu_s",
        "publish_cpu_s",
        "task_runs",
        "events",
        "requests",
        "storage_reads",
    )
    return {
        **{name: found[name] / hours for name in names},
        **{name: found[name] for name in ("around_s", "around_cpu_s", "around_server_s", "start_s", "start_cpu_s")},
        "times_real": found["times_real"],
        "publish_s": (beside + found["publish_s"]) / hours,
        "server_cpu_s": sum(found[f"{phase}_server_s"] for phase in ("map", "chunks", "publish")) / hours,
        "storage_writes": (found["storage_writes"] + found["storage_lists"]) / hours,
        "storage_mb": (found["bytes_read"] + found["bytes_written"]) / 1e6 / hours,
    }


def convert_orchestration(found: dict[str, Any]) -> dict[str, float]:
    """Parts from the file that `orchestration --json` writes."""
    hours, first = found["recorded_s"] / 3600, found["first"]
    return {
        "task_runs": first["task_runs"] / hours,
        "events": first["events"] / hours,
        "requests": sum(first["requests"].values()) / hours,
    }
