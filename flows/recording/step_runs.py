"""Run steps within a task run of Prefect: each cached by its own key and tried again as its task says.

A step that is called as a task is a task run by itself, which Prefect's server has to record: a day has a thousand of
them. Here, one task run does many steps. Keys, records and retries are those of the steps' tasks: a result that was
stored either way is found either way.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from prefect.runtime import flow_run
from prefect.settings import PREFECT_TASKS_REFRESH_CACHE
from prefect.utilities.math import clamped_poisson_interval

from tasks.caching import StepPolicy, compute_step_key, prepare_lookup
from tasks.errors import DaylongError, is_transient
from tasks.step import Manifest

log = logging.getLogger("daylong.steps")

StepTask = Task[..., Manifest]
NoteEnd = Callable[[str, bool], None]
"""Called at the end of a step with its name and whether its result came from the cache."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step to run: its task and inputs. `needs`: parameters that take another step's manifest, and its name."""

    name: str
    task: StepTask
    inputs: Mapping[str, Any]
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepRun:
    """What came of a step; `error` where it failed, or one that it needs did."""

    manifest: Manifest | None = None
    key: str | None = None
    cached: bool = False
    error: Exception | None = None


def run_steps(plans: Sequence[Sequence[PlannedStep]], note_end: NoteEnd) -> list[dict[str, StepRun]]:
    """Run the steps of several plans side by side, each as soon as those that it needs have ended.

    Returns what came of each, by plan and name. In a plan, steps that are needed come before those that need them.
    """
    with ThreadPoolExecutor(max(1, sum(map(len, plans))), thread_name_prefix="daylong-step") as threads:
        started: list[dict[str, Future[StepRun]]] = []
        for plan in plans:
            futures: dict[str, Future[StepRun]] = {}
            for step in plan:
                needed = {parameter: futures[name] for parameter, name in step.needs.items()}
                futures[step.name] = threads.submit(copy_context().run, _run_planned, step, needed, note_end)
            started.append(futures)
        return [{name: future.result() for name, future in futures.items()} for futures in started]


def _run_planned(step: PlannedStep, needed: Mapping[str, Future[StepRun]], note_end: NoteEnd) -> StepRun:
    before = {parameter: future.result() for parameter, future in needed.items()}
    failed = next((run.error for run in before.values() if run.error), None)
    if failed is not None:
        return StepRun(error=failed)
    found = run_step(step.task, **{**step.inputs, **{parameter: run.manifest for parameter, run in before.items()}})
    note_end(step.name, found.cached)
    return found


def run_step(task: StepTask, *args: Any, **kwargs: Any) -> StepRun:
    """Run a step here, or take its result from the cache; what it raises at last is in the result."""
    given = inspect.signature(task.fn).bind(*args, **kwargs)
    given.apply_defaults()
    policy = task.cache_policy
    assert isinstance(policy, StepPolicy)
    key = compute_step_key(policy.step, policy.version, given.arguments)
    pauses = _list_pauses(task)
    for attempt in range(len(pauses) + 1):
        try:
            return _take_or_run(task, key, given.arguments)
        except Exception as error:
            if attempt == len(pauses) or not is_transient(error):
                if not isinstance(error, DaylongError):
                    log.exception("%s failed", policy.step)
                return StepRun(key=key, error=error)
            pause_s = pauses[attempt]
            if task.retry_jitter_factor:
                pause_s = clamped_poisson_interval(pause_s, task.retry_jitter_factor)
            log.info(
                "%s failed (%s); try %d of %d in %.1f s",
                *(policy.step, error, attempt + 2, len(pauses) + 1, pause_s),
            )
            time.sleep(pause_s)
    raise AssertionError("the last attempt returns")


def _list_pauses(task: StepTask) -> list[float]:
    """Seconds before each retry; the last one counts for those beyond the list."""
    delays = task.retry_delay_seconds
    listed = [float(delay) for delay in delays] if isinstance(delays, Sequence) else [float(delays or 0.0)]
    return [listed[min(i, len(listed) - 1)] for i in range(task.retries or 0)]


def _open_records(task: StepTask) -> ResultStore:
    """Open the records where the step's task keeps them. (Prefect's `update_for_task` would make a client first.)"""
    storage: Any = task.result_storage
    return ResultStore(
        result_storage=LocalFileSystem(basepath=str(storage)) if isinstance(storage, Path) else storage,
        serializer=task.result_serializer,
        cache_result_in_memory=False,
    )


def _take_or_run(task: StepTask, key: str, inputs: dict[str, Any]) -> StepRun:
    prepare_lookup(str(flow_run.id), key, inputs)
    records = _open_records(task)
    if not PREFECT_TASKS_REFRESH_CACHE.value() and records.exists(key):
        manifest: Manifest = records.read(key).result
        log.info("%s from the cache", key.partition("/")[0])
        return StepRun(manifest, key, cached=True)
    found = task.fn(**inputs)
    try:
        records.write(found, key)
    except Exception as error:  # the result itself is there; only the next run has to find it again
        log.warning("%s is not kept for the next run: its record can't be written (%s)", key, error)
    return StepRun(found, key)
