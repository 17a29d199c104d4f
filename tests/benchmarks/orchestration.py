"""What Prefect's server has to carry: task runs, requests and events of a recording, with simulated engines.

The recording is the bundled sample, repeated; the flow is real, and so is the server: that of PREFECT_API_URL, or one
of the run's own. Counted in the process of the run: requests that its clients send, and events, which go over one
connection and which the server makes task runs of. Processor time: what the run takes beside engines, decoding
included. --quick: half an hour.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from tests.benchmarks import frame
from tests.benchmarks.repeated_sample import repeat_sample

TIMES_REAL = 1000.0
"""Speed of the simulated device: engines change nothing in what is counted."""
MOST_TASK_RUNS = 15
"""Aim, a recorded hour."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--hours", type=float, default=1.0, metavar="N", help="of the recording [1]")
    given = parser.parse_args(arguments)
    hours = 0.5 if given.quick else given.hours
    with tempfile.TemporaryDirectory(prefix="daylong-orchestration-") as folder:
        source = repeat_sample(Path(folder), hours)
        with keeping_results_in(Path(folder) / "results"):
            first, again = (measure(source, Path(folder)) for _ in range(2))
    figures = {"recorded_s": 3600 * hours, "first": first, "again": again}
    rows = [
        ["task runs", *(one["task_runs"] / hours for one in (first, again)), f"≤ {MOST_TASK_RUNS}"],
        ["events", *(one["events"] / hours for one in (first, again)), ""],
        ["requests", *(sum(one["requests"].values()) / hours for one in (first, again)), ""],
        *(
            [f"  {path}", *(one["requests"].get(path, 0) / hours for one in (first, again)), ""]
            for path in sorted(first["requests"].keys() | again["requests"].keys())
        ),
        ["seconds", *(one["seconds"] / hours for one in (first, again)), ""],
        ["processor time of the run's process, s", *(one["cpu_s"] / hours for one in (first, again)), ""],
    ]
    frame.show(
        f"Prefect's share of {hours:g} recorded hours, a recorded hour", ["", "first run", "all cached", "aim"], rows
    )
    frame.write(given.json, figures)
    return figures


@contextmanager
def keeping_results_in(folder: Path) -> Iterator[None]:
    """Keep the records of steps in a folder of the benchmark's own while the block runs."""
    import flows  # noqa: F401  # sets what Prefect reads at its import

    # isort: split
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: folder}):
        yield


def measure(path: Path, folder: Path) -> dict[str, Any]:
    """Counts of one run: task runs, events, and requests by method and path."""
    from flows.process_recording import process_recording
    from tests.simulation.engines import register_simulated

    with register_simulated(folder / "weights", TIMES_REAL) as settings, counting() as counts:
        began, cpu = time.perf_counter(), time.process_time()
        given: Any = {**settings, "out": str(folder / "out"), "cache": {"store": str(folder / "store")}}
        outcome = process_recording(str(path), given)
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    assert outcome["status"] == "complete"
    requests = {name.removeprefix("request "): n for name, n in counts.items() if name.startswith("request ")}
    return {
        "task_runs": counts["task runs"], "events": counts["events"], "requests": requests, "seconds": seconds,
        "cpu_s": cpu_s,
        "steps": outcome["steps"], "steps_cached": outcome["steps_cached"],
    }  # fmt: skip


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count what this process sends to Prefect's server while the block runs."""
    import httpx
    from prefect import task_engine
    from prefect.events.worker import EventsWorker

    counts: Counter[str] = Counter()
    guard = threading.Lock()

    def count(name: str) -> None:
        with guard:
            counts[name] += 1

    def count_request(request: httpx.Request) -> None:
        parts = ["ID" if len(part) == 36 else part for part in urlsplit(str(request.url)).path.split("/")]
        count(f"request {request.method} {'/'.join(parts)}")

    send, send_async = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request
    put, create = EventsWorker.send, task_engine._create_task_run_locally

    def sent(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        count_request(request)
        return send(transport, request)

    async def sent_async(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        count_request(request)
        return await send_async(transport, request)

    def emitted(worker: Any, *event: Any, **more: Any) -> None:
        count("events")
        put(worker, *event, **more)

    def created(*args: Any, **kwargs: Any) -> Any:
        count("task runs")
        return create(*args, **kwargs)

    with (
        patch.object(httpx.HTTPTransport, "handle_request", sent),
        patch.object(httpx.AsyncHTTPTransport, "handle_async_request", sent_async),
        patch.object(EventsWorker, "send", emitted),
        patch.object(task_engine, "_create_task_run_locally", created),
    ):
        yield counts


if __name__ == "__main__":
    main()
