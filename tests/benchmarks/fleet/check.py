"""Hold the simulation against the real thing: one and two workers on this machine, with simulated engines.

Each worker is a process with a home and a cache of its own, on one Prefect server; its recordings are copies of the
sample. Every part is taken from two runs of one recording by one worker, so that what is checked is what several
workers and recordings make of it: on a machine whose cores they and the server share.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.process_tree import find_descendants
from tests.benchmarks.fleet.measure import measure, process
from tests.benchmarks.fleet.parts import Parts, convert_measured
from tests.benchmarks.fleet.simulate import list_capacities, list_phases, share_machine_with_server, simulate

HOURS = 0.25
RECORDINGS = 4
CHUNKING = {"min_minutes": 2.0, "max_minutes": 3.0, "overlap_s": 10}
TIMES_REAL = 100.0
MAX_LOAD = 0.5
"""Of the last minute: more than this, and what is measured is the other work."""
LIMIT_S = 1200.0


def check() -> dict[str, Any]:
    """Predicted and measured seconds of one and two workers; `refused` where the machine has other work."""
    load = os.getloadavg()[0]
    if load > MAX_LOAD:
        return {"refused": f"the machine has other work (load {load:.1f}, at most {MAX_LOAD})"}
    from tests.benchmarks.repeated_sample import repeat_sample

    with tempfile.TemporaryDirectory(prefix="daylong-fleet-") as name, run_server() as server:
        folder = Path(name)
        source = repeat_sample(folder, HOURS)
        found = measure(source, TIMES_REAL, server, chunking=CHUNKING)
        parts = replace(Parts().merge(convert_measured(found)), source_mb=0.0)  # nothing is fetched here
        rows = []
        for workers in (1, 2):
            took_s = run_workers(folder / f"{workers} workers", source, workers)
            rows.append({"workers": workers, "predicted_s": predict(parts, workers), "measured_s": took_s})
    return {"measured": found, "checked": rows, "load": load}


def predict(parts: Parts, workers: int, cores: int | None = None) -> float:
    """Seconds of `RECORDINGS` recordings with all workers, and Prefect's server, on one machine. `cores`: its,
    or this one's."""
    phases = share_machine_with_server(list_phases(parts, HOURS))
    capacities = list_capacities(parts, cores or os.cpu_count() or 1)
    return simulate(phases, capacities, workers, RECORDINGS, 3600 * HOURS / parts.times_real).seconds


def run_workers(folder: Path, source: Path, workers: int) -> float:
    """Seconds from the first recording's start to the last one's end, without the processes' own start."""
    folder.mkdir()
    started = []
    for number in range(workers):
        home = folder / str(number)
        home.mkdir()
        job = {"source": str(source), "count": RECORDINGS // workers, "folder": str(home)}
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.fleet.check", json.dumps(job)],
                env={**os.environ, "DAYLONG_HOME": str(home)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    try:
        for each in started:  # ready: imported all
            assert each.stdout is not None
            while each.stdout.readline().strip() != "ready":
                if each.poll() is not None:
                    raise SystemExit(f"a worker ended with {each.returncode}")
        began = time.monotonic()
        for each in started:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in started:
            if each.wait(LIMIT_S):
                raise SystemExit(f"a worker ended with {each.returncode}")
        return time.monotonic() - began
    finally:
        for each in started:
            if each.poll() is None:
                each.kill()


@contextmanager
def run_server() -> Iterator[int | None]:
    """A Prefect server that all workers share: the one of PREFECT_API_URL, or one that ends with this process, whose
    id is yielded."""
    import flows  # noqa: F401  # sets what Prefect reads at its import

    # isort: split
    from flows.serving.own_server import RunServer

    server = RunServer()
    server.check()
    before = set(find_descendants())
    server.begin()
    server.wait()
    yield next(iter(set(find_descendants()) - before), None)


def work(job: dict[str, Any]) -> None:
    """A worker: process its recordings, each as if it were new."""
    import flows.process_recording  # noqa: F401

    # isort: split
    from tests.benchmarks.orchestration import keeping_results_in

    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(job["count"]):
        folder = Path(job["folder"]) / str(number)
        folder.mkdir()
        with keeping_results_in(folder / "results"):
            process(Path(job["source"]), folder, TIMES_REAL, chunking=CHUNKING)


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
