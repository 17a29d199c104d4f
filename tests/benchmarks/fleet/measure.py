"""Measure the parts of a fleet on this machine: one recording through the flow, with simulated engines."""

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tasks.process_tree import find_descendants
from tasks.processes import read_stat
from tests.benchmarks.orchestration import counting, keeping_results_in

PHASES = ("map", "chunks", "publish", "around")
IDLE_S = 10.0
READS, WRITES = ("get", "find"), ("put", "put_new", "replace")


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds by the clock, of processors in the run's process and its children, and in Prefect's server."""

    at_s: float
    cpu_s: float
    server_s: float

    @classmethod
    def take(cls, server: int | None) -> Reading:
        """`server`: the id of the server's process; None where it runs elsewhere."""
        server_s = read_cpu_s(server) if server is not None else 0.0
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        below = sum(map(read_cpu_s, find_descendants()))
        own_s = time.process_time() + ended.ru_utime + ended.ru_stime + below - server_s
        return cls(time.monotonic(), own_s, server_s)


def read_cpu_s(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended; 0.0 where it is gone, or without /proc."""
    stat = read_stat(pid)
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK") if stat else 0.0


def measure_idle(server: int | None) -> float:
    """Cores that the server uses while nothing is asked of it."""
    if server is None:
        return 0.0
    before = Reading.take(server)
    time.sleep(IDLE_S)
    after = Reading.take(server)
    return (after.server_s - before.server_s) / (after.at_s - before.at_s)


def process(path: Path, folder: Path, times_real: float, server: int | None = None, **more: Any) -> dict[str, float]:
    """Run one recording with its own cache under `folder`; return the seconds of its phases, by the clock (`map_s`),
    of processors (`map_cpu_s`) and of Prefect's server (`map_server_s`). `around`: before and after the phases."""
    from flows.process_recording import process_recording
    from flows.reporting.progress import Snapshot, subscribe
    from tests.simulation.engines import register_simulated

    began: dict[str, Reading] = {}

    def listen(now: Snapshot) -> None:
        if now.stage not in began:
            began[now.stage] = Reading.take(server)

    with register_simulated(folder / "weights", times_real) as settings, subscribe(listen):
        given: Any = {**settings, "storage": f"file://{folder}/shared", **more}
        before = Reading.take(server)
        outcome = process_recording(str(path), given)
        after = Reading.take(server)
    assert outcome["status"] == "complete"
    assert outcome["steps_cached"] == 0
    phases = {
        "map": [(began["probe"], began["chunks"])],
        "chunks": [(began["chunks"], began["linking"])],
        "publish": [(began["linking"], began["done"])],
        "around": [(before, began["probe"]), (began["done"], after)],
    }
    found = {"recorded_s": outcome["duration_s"]}
    for name, parts in phases.items():
        found[f"{name}_s"] = sum(end.at_s - start.at_s for start, end in parts)
        found[f"{name}_cpu_s"] = sum(end.cpu_s - start.cpu_s for start, end in parts)
        found[f"{name}_server_s"] = sum(end.server_s - start.server_s for start, end in parts)
    return found


def measure(path: Path, times_real: float, server: int | None = None, **more: Any) -> dict[str, Any]:
    """Seconds of the phases, task runs, events, requests, and use of the storage, of one run; and what the first run
    of this process took more (`start_s`, `start_cpu_s`). The server's are without what it uses idle."""
    idle = measure_idle(server)
    with tempfile.TemporaryDirectory(prefix="daylong-fleet-") as name:
        first, folder = Path(name) / "first", Path(name) / "second"
        with keeping_results_in(first / "results"):
            started = process(path, first, times_real, server, **more)
        with keeping_results_in(folder / "results"), counting() as counts, counting_storage() as storage:
            seconds = process(path, folder, times_real, server, **more)
    for phase in PHASES:
        used_s = seconds[f"{phase}_server_s"] - idle * seconds[f"{phase}_s"]
        seconds[f"{phase}_server_s"] = max(0.0, used_s)
    requests = sum(n for what, n in counts.items() if what.startswith("request "))
    return {
        **seconds, "server_idle_cores": idle, "times_real": times_real, "task_runs": counts["task runs"],
        "start_s": max(0.0, sum_phases(started, "s") - sum_phases(seconds, "s")),
        "start_cpu_s": max(0.0, sum_phases(started, "cpu_s") - sum_phases(seconds, "cpu_s")),
        "events": counts["events"], "requests": requests,
        "storage_reads": storage["reads"], "storage_writes": storage["writes"], "storage_lists": storage["lists"],
        "bytes_read": storage["bytes read"], "bytes_written": storage["bytes written"],
    }  # fmt: skip


def sum_phases(found: Mapping[str, float], what: str) -> float:
    """Sum a figure of all phases: `s` or `cpu_s`."""
    return sum(found[f"{phase}_{what}"] for phase in PHASES)


@contextmanager
def counting_storage() -> Iterator[Counter[str]]:
    """Count what is asked of a shared storage in a folder, as a bucket would be asked, while the block runs."""
    from tasks.sharing.folder import Folder

    counts: Counter[str] = Counter()
    guard = threading.Lock()

    def add(**more: int) -> None:
        with guard:
            counts.update({name.replace("_", " "): n for name, n in more.items()})

    def wrap(name: str) -> Any:
        original = getattr(Folder, name)

        def call(self: Folder, *args: Any) -> Any:
            found = original(self, *args)
            if name in WRITES:
                add(writes=1, bytes_written=len(args[1]))
            elif name == "list":
                add(lists=1)
            else:
                add(reads=1, bytes_read=len(found.data) if name == "get" and found else 0)
            return found

        return call

    with ExitStack() as patched:
        for name in (*READS, *WRITES, "list"):
            patched.enter_context(patch.object(Folder, name, wrap(name)))
        yield counts
