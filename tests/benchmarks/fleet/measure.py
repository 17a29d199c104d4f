"""Measure the parts of a fleet on this machine: one recording through the flow, with simulated engines."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.benchmarks.orchestration import counting, keeping_results_in

READS, WRITES = ("get", "find"), ("put", "put_new", "replace")


def process(path: Path, folder: Path, times_real: float, **more: Any) -> dict[str, float]:
    """Run one recording with its own cache under `folder`; return the seconds of its phases."""
    from flows.process_recording import process_recording
    from flows.reporting.progress import Snapshot, subscribe
    from tests.simulation.engines import register_simulated

    began: dict[str, float] = {}

    def listen(now: Snapshot) -> None:
        began.setdefault(now.stage, time.monotonic())

    with register_simulated(folder / "weights", times_real) as settings, subscribe(listen):
        given: Any = {**settings, "storage": f"file://{folder}/shared", **more}
        outcome = process_recording(str(path), given)
    assert outcome["status"] == "complete"
    assert outcome["steps_cached"] == 0
    return {
        "recorded_s": outcome["duration_s"],
        "map_s": began["chunks"] - began["probe"],
        "chunks_s": began["linking"] - began["chunks"],
        "publish_s": began["done"] - began["linking"],
    }


def measure(path: Path, times_real: float, **more: Any) -> dict[str, Any]:
    """Seconds of the phases, processor seconds, task runs, events, requests, and use of the storage, of one run."""
    with tempfile.TemporaryDirectory(prefix="daylong-fleet-") as name:
        folder = Path(name)
        with keeping_results_in(folder / "results"), counting() as counts, counting_storage() as storage:
            cpu = time.process_time()
            seconds = process(path, folder, times_real, **more)
            cpu_s = time.process_time() - cpu
    requests = sum(n for what, n in counts.items() if what.startswith("request "))
    return {
        **seconds, "times_real": times_real, "cpu_s": cpu_s, "task_runs": counts["task runs"],
        "events": counts["events"], "requests": requests,
        "storage_reads": storage["reads"], "storage_writes": storage["writes"], "storage_lists": storage["lists"],
        "bytes_read": storage["bytes read"], "bytes_written": storage["bytes written"],
    }  # fmt: skip


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
