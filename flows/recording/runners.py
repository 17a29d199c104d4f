"""Where the task runs of chunks run: in threads of this process, or in the processes of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.futures import PrefectFuture

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
    from flows.recording.dask_cluster import open_cluster

    with open_cluster(run, sources) as (submit, threads, own_run):
        is_set = "chunks_in_flight" in run.settings.model_fields_set
        yield ChunkRunner(submit, own_run, run.settings.chunks_in_flight if is_set else threads)


def _submit_to_flow(task: Task[..., Any], job: Any) -> PrefectFuture[Any]:
    return task.submit(job)
