"""The figures of `GET /metrics`, as Prometheus text, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WAITING_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 1200, 3600, 14_400)
LANES = ("short", "long")


class ServerMetrics:
    """The server's counters and gauges."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        new: dict[str, Any] = {"registry": self._registry}
        self.requests = Counter("daylong_http_requests", "Requests answered.", ("path", "status"), **new)
        self.jobs = Counter("daylong_jobs", "Jobs, by what became of them.", ("state",), **new)
        self.joined = Counter("daylong_jobs_joined", "Requests that joined a job, or took its result.", **new)
        self.recorded = Counter("daylong_recorded_seconds", "Length of the recordings processed, seconds.", **new)
        self.worked = Counter("daylong_worked_seconds", "Time that completed jobs took, seconds.", **new)
        self.speed = Gauge(
            "daylong_last_job_speed", "Recorded seconds a second of the last job (× real time).", **new
        )
        self.waited = Histogram(
            "daylong_waited_seconds", "Waiting before the work, seconds.", ("lane",), buckets=WAITING_BUCKETS, **new
        )
        self.waiting = Gauge("daylong_jobs_waiting", "Jobs that wait.", ("lane",), **new)
        self.running = Gauge("daylong_jobs_running", "Jobs that are worked on.", ("lane",), **new)
        self.worker = Gauge("daylong_worker_up", "Whether the process that holds the engines runs.", **new)
        self.webhooks = Counter("daylong_webhooks", "Webhooks sent, by result of the attempt.", ("result",), **new)

    def observe(
        self, waiting: Callable[[str], int], running: Callable[[str], int], worker: Callable[[], bool]
    ) -> None:
        """Take these gauges from what the functions return whenever somebody asks; by lane."""
        for lane in LANES:
            self.waiting.labels(lane).set_function(partial(waiting, lane))
            self.running.labels(lane).set_function(partial(running, lane))
        self.worker.set_function(lambda: float(worker()))

    def count_work(self, recorded_s: float, took_s: float) -> None:
        """Count a completed job: the seconds of its recording, and those that it took."""
        self.recorded.inc(recorded_s)
        self.worked.inc(took_s)
        self.speed.set(recorded_s / took_s if took_s else 0.0)

    def write(self) -> bytes:
        """Write all figures."""
        return generate_latest(self._registry)
