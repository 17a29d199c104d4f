"""Figures of all runs as Prometheus text, in a file for node_exporter's textfile collector.

A file, and not a `/metrics` to be asked: every run has a process of its own, which is gone when somebody asks, and
`daylong run` has no server at all. Prefect's server can tell its own figures (PREFECT_SERVER_METRICS_ENABLED).
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.settings.home import home

PREFIX = "daylong_"

COUNTERS = {
    "runs": ("Recordings processed, by what became of them.", ("status",)),
    "recorded_seconds": ("Length of the recordings processed, seconds.", ()),
    "run_seconds": ("Time that runs took, seconds.", ()),
    "step_seconds": ("Work of the chunks' steps, seconds; what came from the cache took none.", ("step",)),
    "chunks_failed": ("Chunks that failed for good.", ()),
}
GAUGES = {
    "last_run_speed": "Recorded seconds a second of the last run that ended well (× real time).",
    "last_run_timestamp_seconds": "When the last run ended, seconds since the epoch.",
    "queue_length": "Runs of our deployments that wait for a worker, when the last run ended.",
}

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended. Seconds; `status`: complete, partial or failed."""

    status: str
    run_s: float
    recorded_s: float = 0.0
    chunks_failed: int = 0
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds of work by step."""
    queue: int = 0


def note(textfile: str, ended: Ended) -> None:
    """Add a run to the file, which is replaced whole. Raises OSError where it can't be written."""
    from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, write_to_textfile

    path = Path(textfile).expanduser()
    path = path if path.is_absolute() else home() / path
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        sums, gauges = _read(path)
        for key, amount in _counted(ended).items():
            sums[key] = sums.get(key, 0.0) + amount
        gauges |= {"last_run_timestamp_seconds": time.time(), "queue_length": float(ended.queue)}
        if ended.status != "failed" and ended.run_s > 0:
            gauges["last_run_speed"] = ended.recorded_s / ended.run_s
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        for name, (meaning, labels) in COUNTERS.items():
            counter = Counter(PREFIX + name, meaning, labels, registry=registry)
            for (of, given), amount in sums.items():
                if of == name:
                    (counter.labels(**dict(given)) if given else counter).inc(amount)
        for name, meaning in GAUGES.items():
            if name in gauges:
                Gauge(PREFIX + name, meaning, registry=registry).set(gauges[name])
        write_to_textfile(str(path), registry)
        path.chmod(0o644)  # the collector is somebody else


def _counted(ended: Ended) -> dict[Key, float]:
    found: dict[Key, float] = {
        ("runs", (("status", ended.status),)): 1.0,
        ("recorded_seconds", ()): ended.recorded_s,
        ("run_seconds", ()): ended.run_s,
        ("chunks_failed", ()): float(ended.chunks_failed),
    }
    return found | {("step_seconds", (("step", step),)): seconds for step, seconds in ended.steps.items()}


def _read(path: Path) -> tuple[dict[Key, float], dict[str, float]]:
    """What the file says: (counters, gauges). A file that can't be read starts anew."""
    from prometheus_client.parser import text_string_to_metric_families

    sums: dict[Key, float] = {}
    gauges: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            for sample in family.samples:
                name = sample.name.removeprefix(PREFIX).removesuffix("_total")
                if name in COUNTERS:
                    sums[name, tuple(sorted(sample.labels.items()))] = sample.value
                elif name in GAUGES:
                    gauges[name] = sample.value
    except (OSError, ValueError):
        return {}, {}
    return sums, gauges


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Runs that end at once add up one after the other."""
    with open(path.with_name(f".{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
