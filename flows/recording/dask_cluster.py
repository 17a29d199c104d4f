"""The task runs of chunks on a Dask cluster: the processes of this machine, or those of a scheduler's address.

Imported only where `runner = dask`: needs prefect-dask.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Nanny, Scheduler, SpecCluster, WorkerPlugin
from distributed.security import Security
from prefect import Task
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.recording import cluster_workers as workers
from flows.recording.cluster_workers import LOOPBACK, THREADS, Cluster, find_missing, place_workers
from flows.recording.preparation import Run, set_up_process
from tasks.caching import check_guard
from tasks.settings.schema import Settings

log = logging.getLogger("daylong.dask")


class SetUpWorker(WorkerPlugin):  # type: ignore[misc]  # distributed is not typed here
    """Sets each worker process up as the run's own, also those that join later."""

    name = "daylong"
    idempotent = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def setup(self, worker: Any) -> None:
        set_up_process(self.settings)


@contextmanager
def open_cluster(run: Run, sources: Sequence[Path]) -> Iterator[Cluster]:
    """Connect to the cluster of the settings, or start one for the `with` block.

    Raises UsageError where a worker lacks files, folders or this version.
    """
    logging.getLogger("distributed").setLevel(logging.WARNING)
    address = run.settings.runner_address
    with workers.open_folder() as folder:
        cluster = None if address else _start_local(place_workers(run.place.engines.placement), str(folder))
        runner = DaskTaskRunner(address=address, cluster=cluster)
        try:
            with runner:
                client = runner.client
                needed = workers.list_needed(run, sources)
                workers.refuse_missing(client.run(find_missing, version("daylong"), needed), address)
                client.register_plugin(SetUpWorker(run.settings))
                threads, me = client.nthreads(), str(flow_run.id)
                log.info("Dask: %d processes, %d chunks at a time", len(threads), sum(threads.values()))

                def submit(task: Task[..., Any], job: Any) -> PrefectFuture[Any]:
                    check_guard(me)  # the workers don't know of it
                    return runner.submit(task, {"job": job})  # type: ignore[no-any-return]

                try:
                    yield Cluster(submit, sum(threads.values()), workers.hand_over(run))
                finally:
                    if cluster is not None:
                        client.run(end_worker)
        finally:
            if cluster is not None:
                cluster.close()


async def end_worker() -> None:
    """End a worker's work while its loop goes on: as the cluster closes, its processes have four seconds."""
    await asyncio.to_thread(workers.end_work)


def _start_local(environments: Sequence[dict[str, str]], folder: str) -> Any:
    """Start a process for each of `environments`. Only this user can connect: a scheduler runs what it is sent."""
    security = Security.temporary()
    secure = {"security": security, "protocol": "tls://", "host": LOOPBACK, "dashboard_address": f"{LOOPBACK}:0"}
    scheduler = {"cls": Scheduler, "options": {**secure, "port": 0}}
    # No limit on memory: the nanny would end a process in the middle of a chunk.
    own = {"nthreads": THREADS, "memory_limit": 0, "local_directory": folder, "silence_logs": logging.WARNING}
    nannies = {i: {"cls": Nanny, "options": {**secure, **own, "env": each}} for i, each in enumerate(environments)}
    return SpecCluster(workers=nannies, scheduler=scheduler, security=security, silence_logs=logging.WARNING)
