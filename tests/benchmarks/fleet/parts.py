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
    map_s: float = 1.2
    """Before the chunks, on the worker's cores: decoding and the speech map."""
    publish_s: float = 1.6
    """After and beside the chunks: the rest of what is not the engines' time."""
    cpu_s: float = 10.0
    """Processor time beside the engines."""
    task_runs: float = 12.0
    events: float = 47.0
    """Messages that Prefect's server makes rows of, and task runs."""
    requests: float = 39.0
    """Requests to Prefect's server."""
    storage_reads: float = 92.0
    storage_writes: float = 134.0
    """Listing counts as a write, as storages bill it."""
    storage_mb: float = 15.9
    """To and from the storage, without the source."""
    source_mb: float = 30.0
    """The recording itself: 64 kbit/s, assumed."""

    # What carries it; all assumed.
    worker_mb_per_s: float = 100.0
    """From the storage to one worker."""
    worker_cores: float = 8.0
    api_requests_per_s: float = 100.0
    """One API server of Prefect's."""
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
    "day, 24 hours, November 2026": ("map_s", "publish_s"),
    "fleet --measure, an hour, November 2026": (
        "cpu_s",
        "task_runs",
        "events",
        "requests",
        "storage_reads",
        "storage_writes",
        "storage_mb",
    ),
}
"""Which benchmark the defaults are from, on two cores beside other work; the others are assumed."""


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
    """Parts of a recorded hour from what `--measure` found of a recording."""
    hours = found["recorded_s"] / 3600
    beside = max(0.0, found["chunks_s"] - found["recorded_s"] / found["times_real"])
    each = {name: found[name] / hours for name in ("cpu_s", "task_runs", "events", "requests", "storage_reads")}
    return {
        **each,
        "times_real": found["times_real"],
        "map_s": found["map_s"] / hours,
        "publish_s": (beside + found["publish_s"]) / hours,
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
        "cpu_s": first["cpu_s"] / hours,
    }
