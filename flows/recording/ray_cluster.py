"""The task runs of chunks on a Ray cluster: one of this machine while they are worked on, or one that is there.

prefect-ray's own runner takes any process for any task, with nothing to call at its end. So each worker is an actor
here: a process that stays for the recording, with its engines and, in a cluster, its GPU.

Imported only where `runner = ray`: needs prefect-ray.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect import Task
from prefect.context import serialize_context
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_engine import run_task_sync
from prefect_ray.task_runners import PrefectRayFuture

from flows.recording import cluster_workers as workers
from flows.recording.cluster_workers import THREADS, Cluster, find_missing, place_workers
from flows.recording.preparation import Run, set_up_process
from flows.recording.ray_start import start_ray
from tasks.caching import check_guard
from tasks.errors import UsageError
from tasks.settings.home import home
from tasks.settings.schema import Settings

log = logging.getLogger("daylong.ray")

START_S = 180.0
"""A worker is a new process, which imports Daylong first."""
OPTIONS: dict[str, Any] = {
    "num_cpus": 1,
    "max_concurrency": THREADS + 1,  # its chunks, and being asked to end
    "max_restarts": -1,
    "max_task_retries": 3,  # of a chunk whose process died, as often as Dask does it
}


class RayWorker:
    """What a worker process does. `environment`: the variables by which it sees its GPU."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        set_up_process(settings)

    def find_missing(self, daylong: str, paths: Sequence[str]) -> str | None:
        return find_missing(daylong, paths)

    def run_task(self, **task_run: Any) -> Any:
        return run_task_sync(**task_run, return_type="state")

    def end(self) -> None:
        workers.end_work()


class RayFuture(PrefectRayFuture[Any]):  # type: ignore[misc]  # prefect_ray is not typed here
    """Waits in Python until the task run ends: while Ray waits, it lets no signal's exception through."""

    def __init__(self, task_run_id: Any, wrapped_future: Any) -> None:
        super().__init__(task_run_id, wrapped_future)
        self._ended = threading.Event()
        self.add_done_callback(lambda _: self._ended.set())

    def wait(self, timeout: float | None = None) -> None:
        if self._ended.wait(timeout):
            super().wait()


class RayWorkers:
    """The workers of a cluster, each task run going to the one that has the fewest."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._actors = actors
        self._at_work: Counter[int] = Counter()
        self._guard = threading.Lock()

    def submit(self, task: Task[..., Any], job: Any) -> PrefectFuture[Any]:
        with self._guard:
            chosen = min(range(len(self._actors)), key=lambda i: self._at_work[i])
            self._at_work[chosen] += 1
        task_run_id = uuid4()
        found = self._actors[chosen].run_task.remote(
            task=task, task_run_id=task_run_id, parameters={"job": job}, context=serialize_context()
        )
        future = RayFuture(task_run_id, found)
        future.add_done_callback(lambda _: self._note_end(chosen))
        return future

    def _note_end(self, index: int) -> None:
        with self._guard:
            self._at_work[index] -= 1

    def ask_all(self, method: str, *arguments: Any, timeout_s: float) -> list[Any]:
        """Call a method of every worker at once; return what each returned.

        Raises TimeoutError, and RayError for a worker that is gone. Waits in Python, as `RayFuture` does.
        """
        asked = [getattr(actor, method).remote(*arguments).future() for actor in self._actors]
        by_s = time.monotonic() + timeout_s
        return [each.result(max(0.0, by_s - time.monotonic())) for each in asked]

    def kill(self) -> None:
        import ray

        for actor in self._actors:
            ray.kill(actor)


@contextmanager
def open_cluster(run: Run, sources: Sequence[Path]) -> Iterator[Cluster]:
    """Connect to the cluster of the settings, or start one for the `with` block, and start workers there.

    Raises UsageError where it can't be connected to, has no room, or a worker lacks files, folders or this version.
    """
    address, me = run.settings.runner_address, str(flow_run.id)
    placement = run.place.engines.placement
    local = place_workers(placement)
    with start_ray(address, len(local)):
        if address is None:
            options, environments = OPTIONS, local
        else:
            count, gpus = _count_workers(run)
            home_there = {"env_vars": {"DAYLONG_HOME": str(home())}}
            options = {**OPTIONS, "num_gpus": gpus, "scheduling_strategy": "SPREAD", "runtime_env": home_there}
            environments = [{}] * count
        found = _start_workers(run.settings, environments, options)
        try:
            missing = _ask_missing(found, workers.list_needed(run, sources), address)
            workers.refuse_missing({str(i + 1): obstacle for i, obstacle in enumerate(missing)}, address)
            threads = THREADS * len(environments)
            log.info("Ray: %d processes, %d chunks at a time", len(environments), threads)

            def submit(task: Task[..., Any], job: Any) -> PrefectFuture[Any]:
                check_guard(me)  # the workers don't know of it
                return found.submit(task, job)

            yield Cluster(submit, threads, workers.hand_over(run))
        finally:
            _end(found)


def _count_workers(run: Run) -> tuple[int, int]:
    """(workers, GPUs of each): one for each GPU of the cluster, else for each machine, unless the settings say."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = 0 if run.place.device == "cpu" else int(sum(each.get("GPU", 0) for each in machines))
    return run.settings.models.processes or gpus or len(machines), int(gpus > 0)


def _start_workers(settings: Settings, environments: Sequence[Mapping[str, str]], options: Any) -> RayWorkers:
    import ray

    kind = ray.remote(**options)(RayWorker)
    return RayWorkers([kind.remote(settings, each) for each in environments])


def _ask_missing(found: RayWorkers, needed: Sequence[str], address: str | None) -> list[str | None]:
    import ray.exceptions

    try:
        return found.ask_all("find_missing", version("daylong"), list(needed), timeout_s=START_S)
    except TimeoutError as error:
        raise UsageError(
            f"runner_address = {address}: the cluster did not start the workers in {START_S:.0f} s. Each takes a "
            "processor, and a GPU where the cluster has them: models.processes says how many"
        ) from error
    except ray.exceptions.RayError as error:
        raise UsageError(
            f"runner = ray: a worker did not start. All need this version of Daylong: {error}"
        ) from error


def _end(found: RayWorkers) -> None:
    import ray.exceptions

    try:
        found.ask_all("end", timeout_s=workers.SEND_S)
    except (ray.exceptions.RayError, TimeoutError) as error:  # it is gone, and its engines with it
        log.warning("a worker could not be asked to end: %s", type(error).__name__)
    found.kill()
