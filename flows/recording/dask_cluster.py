"""The task runs of chunks on a Dask cluster: the processes of this machine, or those of a scheduler's address.

What crosses to a worker are a chunk's spans, keys and settings; what comes back are manifests and keys. The values
behind them lie in the artifact store, which all workers see, and so do the recording's files and the weights. Each
worker process has an engine pool of its own.

Imported only where `runner = dask`: needs prefect-dask.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Nanny, Scheduler, SpecCluster, WorkerPlugin
from distributed.security import Security
from prefect import Task
from prefect.events.worker import EventsWorker
from prefect.futures import PrefectFuture
from prefect.logging.handlers import APILogWorker
from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.recording.preparation import Run, set_up_process
from tasks.caching import check_guard
from tasks.engines.calls import EnginePool, Placement, list_received_pools
from tasks.errors import UsageError
from tasks.settings.schema import Settings

log = logging.getLogger("daylong.dask")

Submit = Callable[[Task[..., Any], Any], PrefectFuture[Any]]

LOOPBACK = "127.0.0.1"
LOCAL_PROCESSES = 2
"""Of the cluster on this machine, where the settings say nothing."""
SEND_S = 30.0
THREADS = 2
"""Chunks of a worker process at a time: one in its engines, the next being decoded."""


class SetUpWorker(WorkerPlugin):  # type: ignore[misc]  # distributed is not typed here
    """Sets each worker process up as the run's own, also those that join later."""

    name = "daylong"
    idempotent = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def setup(self, worker: Any) -> None:
        set_up_process(self.settings)


@contextmanager
def open_cluster(run: Run, sources: Sequence[Path]) -> Iterator[tuple[Submit, int, Run]]:
    """Yield (what submits a task, threads of all workers, the run as the workers are handed it).

    Raises UsageError where a worker lacks files, folders or this version.
    """
    logging.getLogger("distributed").setLevel(logging.WARNING)
    placement = run.place.engines.placement
    address = run.settings.runner_address
    # An engine of each kind for each worker, on the GPU that it sees; one pool of a whole machine's stays that.
    own = placement if placement.run_in == "shared" else replace(placement, children=None, gpus=())
    own_run = replace(run, place=replace(run.place, engines=EnginePool(own)))
    with tempfile.TemporaryDirectory(prefix="daylong-dask-") as folder:
        cluster = None if address else _start_local(place_workers(placement), folder)
        runner = DaskTaskRunner(address=address, cluster=cluster)
        try:
            with runner:
                client = runner.client
                _check_workers(client, address, _list_needed(run, sources, address))
                client.register_plugin(SetUpWorker(run.settings))
                threads, me = client.nthreads(), str(flow_run.id)
                log.info("Dask: %d processes, %d chunks at a time", len(threads), sum(threads.values()))

                def submit(task: Task[..., Any], job: Any) -> PrefectFuture[Any]:
                    check_guard(me)  # the workers don't know of it
                    return runner.submit(task, {"job": job})  # type: ignore[no-any-return]

                try:
                    yield submit, sum(threads.values()), own_run
                finally:
                    if cluster is not None:
                        client.run(end_worker)
        finally:
            if cluster is not None:
                cluster.close()


def find_missing(daylong: str, paths: Sequence[str]) -> str | None:
    """What a worker process lacks, in one line; None if nothing. `daylong`: the version that it must have."""
    if (here := version("daylong")) != daylong:
        return f"has Daylong {here}, not {daylong}"
    absent = [path for path in paths if not os.path.exists(path)]
    return f"does not see {absent[0]}" if absent else None


async def end_worker() -> None:
    """Send what Prefect is still to be told of a worker's task runs, and end its engines: as the cluster closes, its
    processes have four seconds."""
    await asyncio.to_thread(_end_worker)


def _end_worker() -> None:
    for told in (EventsWorker, APILogWorker):
        told.drain_all(timeout=SEND_S, at_exit=False)
    for pool in list_received_pools():
        pool.unload()


def place_workers(placement: Placement) -> list[dict[str, str]]:
    """The variables of each process of a cluster on this machine: the GPU that it sees, if any are named."""
    children = placement.children or (None if placement.gpus else LOCAL_PROCESSES)
    return Placement(children=children, gpus=placement.gpus).list_environments()


def _start_local(environments: Sequence[dict[str, str]], folder: str) -> Any:
    """Start a process for each of `environments`. Only this user can connect: a scheduler runs what it is sent."""
    security = Security.temporary()
    secure = {"security": security, "protocol": "tls://", "host": LOOPBACK, "dashboard_address": f"{LOOPBACK}:0"}
    scheduler = {"cls": Scheduler, "options": {**secure, "port": 0}}
    # No limit on memory: the nanny would end a process in the middle of a chunk.
    own = {"nthreads": THREADS, "memory_limit": 0, "local_directory": folder, "silence_logs": logging.WARNING}
    workers = {i: {"cls": Nanny, "options": {**secure, **own, "env": each}} for i, each in enumerate(environments)}
    return SpecCluster(workers=workers, scheduler=scheduler, security=security, silence_logs=logging.WARNING)


def _check_workers(client: Any, address: str | None, needed: Sequence[str]) -> None:
    found: dict[str, str | None] = client.run(find_missing, version("daylong"), list(needed))
    for worker, obstacle in found.items():
        if obstacle:
            raise UsageError(
                f"runner_address = {address}: the worker {worker} {obstacle}. All workers need this version, and "
                "see recordings, weights and DAYLONG_HOME under the same names"
            )


def _list_needed(run: Run, sources: Sequence[Path], address: str | None) -> list[str]:
    if address is None:
        return []
    weights = [found.path for found in run.weights.values() if found.path != Path()]  # a service's are nowhere
    store = [] if "://" in run.place.store.root else [Path(run.place.store.root)]
    return [str(path.absolute()) for path in (*sources, *weights, *store)]
