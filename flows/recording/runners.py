"""Where the task runs of chunks run: in threads of this process, or in the processes of a Dask or Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.futures import PrefectFuture

from flows.recording.cluster_workers import Cluster
from flows.recording.preparation import Run


@dataclass(frozen=True, slots=True)
class ChunkRunner:
    """`submit` takes a task and its parameter `job`; `run` is the run as a job has it."""

    submit: Callable[[Task[..., Any], Any], PrefectFuture[Any]]
    run: Run
    chunks_in_flight: int


@contextmanager
def open_runner(run: Run, sources: Sequence[Path]) -> Iterator[ChunkRunner]:
    """Open the runner that the settings name. `sources`: the recording's files, which every worker must see.

    Raises UsageError where a worker of a cluster lacks what it needs.
    """
    if run.settings.runner == "threads":
        yield ChunkRunner(_submit_to_flow, run, run.settings.count_chunks_in_flight())
        return
    with _open_cluster(run, sources) as cluster:
        is_set = "chunks_in_flight" in run.settings.model_fields_set
        in_flight = run.settings.chunks_in_flight if is_set else cluster.threads
        yield ChunkRunner(cluster.submit, cluster.run, in_flight)


def _open_cluster(run: Run, sources: Sequence[Path]) -> AbstractContextManager[Cluster]:
    if run.settings.runner == "ray":
        from flows.recording import ray_cluster

        return ray_cluster.open_cluster(run, sources)
    from flows.recording import dask_cluster

    return dask_cluster.open_cluster(run, sources)


def _submit_to_flow(task: Task[..., Any], job: Any) -> PrefectFuture[Any]:
    return task.submit(job)
