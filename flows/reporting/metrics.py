"""Metrics of all runs as Prometheus text, in a file for node_exporter's textfile collector.

A file instead of a `/metrics` endpoint: every run has its own process, which has ended when Prometheus scrapes, and
`daylong run` has no server. Prefect's server has metrics of its own (PREFECT_SERVER_METRICS_ENABLED).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from tasks.settings.home import home

PREFIX = "daylong_"

COUNTERS = {
    "runs": ("Recordings processed, by what became of them.", ("status",)),
    "recorded_seconds": ("Length of the recordings processed, seconds.", ()),
    "run_seconds": ("Time that runs took, seconds.", ()),
    "step_seconds": ("Work of the chunks' steps, seconds; what came from the cache took none.", ("step",)),
    "engine_wait_seconds": (
        "Time that calls waited for an engine that was at work for others, seconds.",
        ("engine",),
    ),
    "chunks_failed": ("Chunks that failed for good.", ()),
}
GAUGES = {
    "last_run_speed": "Recorded seconds a second of the last run that ended well (× real time).",
    "last_run_timestamp_seconds": "When the last run ended, seconds since the epoch.",
    "queue_length": "Runs of our deployments that wait for a worker, when the last run ended.",
}

Key = tuple[str, tuple[tuple[str, str], ...]]
"""Name of a counter without its prefix, and its labels."""


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """Metrics of a finished run. `status`: complete, partial or failed; `run_s`, `recorded_s`: seconds."""

    status: str
    run_s: float
    recorded_s: float = 0.0
    chunks_failed: int = 0
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds of work by step."""
    queue: int = 0
    """Runs that wait for a worker."""
    waits: Mapping[str, float] = field(default_factory=dict)
    """Seconds of waiting by engine."""


def add_run(textfile: str, run: RunMetrics) -> None:
    """Add a run to the file, which is replaced atomically. Raises OSError if it cannot be written.

    `textfile`: path, relative to DAYLONG_HOME.
    """
    from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, write_to_textfile

    path = Path(textfile).expanduser()
    path = path if path.is_absolute() else home() / path
    path.parent.mkdir(parents=True, exist_ok=True)
    # Runs that end at the same time add their figures one after the other.
    with FileLock(path.with_name(f".{path.name}.lock"), fallback_to_soft=False):
        counters, gauges = _read_metrics(path)
        for key, amount in _count_run(run).items():
            counters[key] = counters.get(key, 0.0) + amount
        gauges |= {"last_run_timestamp_seconds": time.time(), "queue_length": float(run.queue)}
        if run.status != "failed" and run.run_s > 0:
            gauges["last_run_speed"] = run.recorded_s / run.run_s
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        for name, (meaning, labels) in COUNTERS.items():
            counter = Counter(PREFIX + name, meaning, labels, registry=registry)
            for (of, given), amount in counters.items():
                if of == name:
                    (counter.labels(**dict(given)) if given else counter).inc(amount)
        for name, meaning in GAUGES.items():
            if name in gauges:
                Gauge(PREFIX + name, meaning, registry=registry).set(gauges[name])
        write_to_textfile(str(path), registry)
        path.chmod(0o644)  # the collector runs as another user


def _count_run(run: RunMetrics) -> dict[Key, float]:
    """By how much a run increases each counter."""
    counters: dict[Key, float] = {
        ("runs", (("status", run.status),)): 1.0,
        ("recorded_seconds", ()): run.recorded_s,
        ("run_seconds", ()): run.run_s,
        ("chunks_failed", ()): float(run.chunks_failed),
    }
    counters |= {("step_seconds", (("step", step),)): seconds for step, seconds in run.steps.items()}
    return counters | {("engine_wait_seconds", (("engine", name),)): waited for name, waited in run.waits.items()}


def _read_metrics(path: Path) -> tuple[dict[Key, float], dict[str, float]]:
    """Read (counters, gauges) from the file; both empty if it cannot be read."""
    from prometheus_client.parser import text_string_to_metric_families

    counters: dict[Key, float] = {}
    gauges: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            for sample in family.samples:
                name = sample.name.removeprefix(PREFIX).removesuffix("_total")
                if name in COUNTERS:
                    counters[name, tuple(sorted(sample.labels.items()))] = sample.value
                elif name in GAUGES:
                    gauges[name] = sample.value
    except (OSError, ValueError):
        return {}, {}
    return counters, gauges
