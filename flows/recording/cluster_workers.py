"""What the worker processes of any cluster are given and asked, and what they do at the end.

What crosses to a worker are a chunk's spans, keys and settings; what comes back are manifests and keys. The values
behind them lie in the artifact store, which all workers see, and so do the recording's files and the weights. Each
worker process has an engine pool of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.events.worker import EventsWorker
from prefect.futures import PrefectFuture
from prefect.logging.handlers import APILogWorker

from flows.recording.preparation import Run
from tasks.engines.calls import EnginePool, Placement, list_received_pools
from tasks.errors import UsageError
from tasks.process_tree import is_running

Submit = Callable[[Task[..., Any], Any], PrefectFuture[Any]]
"""Takes a task and its parameter `job`."""

LOOPBACK = "127.0.0.1"
LOCAL_PROCESSES = 2
"""Of the cluster on this machine, where the settings say nothing."""
BASE = Path("/tmp") if os.path.isdir("/tmp") else Path(tempfile.gettempdir())
FOLDER = "daylong-run-"
SEND_S = 30.0
THREADS = 2
"""Chunks of a worker process at a time: one in its engines, the next being decoded."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """An open cluster. `threads`: of all workers; `run`: the run as they are handed it."""

    submit: Submit
    threads: int
    run: Run


def hand_over(run: Run) -> Run:
    """The run as workers are handed it: an engine of each kind for each, on the GPU that it sees.

    One pool of a whole machine's stays that.
    """
    placement = run.place.engines.placement
    own = placement if placement.run_in == "shared" else replace(placement, children=None, gpus=())
    return replace(run, place=replace(run.place, engines=EnginePool(own)))


def place_workers(placement: Placement) -> list[dict[str, str]]:
    """The variables of each process of a cluster on this machine: the GPU that it sees, if any are named."""
    children = placement.children or (None if placement.gpus else LOCAL_PROCESSES)
    return Placement(children=children, gpus=placement.gpus).list_environments()


def list_needed(run: Run, sources: Sequence[Path]) -> list[str]:
    """The paths that each worker of another machine must see. `sources`: the recording's files."""
    if run.settings.runner_address is None:
        return []
    weights = [found.path for found in run.weights.values() if found.path != Path()]  # a service's are nowhere
    store = [] if "://" in run.place.store.root else [Path(run.place.store.root)]
    return [str(path.absolute()) for path in (*sources, *weights, *store)]


def find_missing(daylong: str, paths: Sequence[str]) -> str | None:
    """What a worker process lacks, in one line; None if nothing. `daylong`: the version that it must have."""
    if (here := version("daylong")) != daylong:
        return f"has Daylong {here}, not {daylong}"
    absent = [path for path in paths if not os.path.exists(path)]
    return f"does not see {absent[0]}" if absent else None


def refuse_missing(found: Mapping[str, str | None], address: str | None) -> None:
    """Raise UsageError for the first worker that lacks something. `found`: what `find_missing` found, by worker."""
    for worker, obstacle in found.items():
        if obstacle:
            raise UsageError(
                f"runner_address = {address}: the worker {worker} {obstacle}. All workers need this version, and "
                "see recordings, weights and DAYLONG_HOME under the same names"
            )


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder of this process for what a cluster on this machine keeps, private and with a short path, as sockets
    need; it is removed after the `with` block, and with it those of processes that were ended within theirs."""
    for left in BASE.glob(f"{FOLDER}*-*"):
        if _is_left(left):
            shutil.rmtree(left, ignore_errors=True)
    prefix = f"{FOLDER}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=BASE, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _is_left(folder: Path) -> bool:
    """Whether a folder is this user's, of a process that is no more."""
    pid = folder.name.removeprefix(FOLDER).partition("-")[0]
    try:
        return pid.isdecimal() and folder.stat().st_uid == os.getuid() and not is_running(int(pid))
    except OSError:  # removed meanwhile, or the number is another user's process now
        return False


def end_work() -> None:
    """Send what Prefect is still to be told of this process's task runs, and end its engines."""
    for told in (EventsWorker, APILogWorker):
        told.drain_all(timeout=SEND_S, at_exit=False)
    for pool in list_received_pools():
        pool.unload()
