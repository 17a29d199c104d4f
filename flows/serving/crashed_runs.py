"""Label runs with their process, and mark runs as crashed whose process is gone.

Each run has a label with its host and process id, and one that says which attempt that is. A killed run stays
"Running" for Prefect, and keeps its slot of the deployment's concurrency limit; the next run, or `daylong up`, marks
it crashed. One that is marked so by mistake loses its slot, and Prefect ends it at the next renewal. For runs on
other machines, or on this one under an earlier host name (a new container has another), only the heartbeat is known:
`daylong up` marks those without one.
"""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flows.serving.locked_database import ask_again_soon
from tasks.processes import Process

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

LABEL = "daylong.process"
"""The label of a run that holds its process."""
ATTEMPT_LABEL = "daylong.attempt"
"""The label that says which of a run's attempts that process is; a run that was taken up again keeps the labels of
the attempt before it until its process has begun."""
FLOWS = ("process-recording", "ingest-inbox", "prune-cache")
WORKER_LABEL = "prefect.worker.name"
"""The label with the name of a run's worker; ours are named by host and process id of their `daylong up`."""
STARTING_S = 300.0
"""A pending run whose process has not begun it after this many seconds counts as dead."""
TAKEN_AGAIN_S = 60.0
"""Seconds until the label of its worker counts for a pending run that has run before: until the worker that takes it
sets its own, it has that of the worker before."""
UNLABELLED_S = 3600.0
"""A running run still without this attempt's label after this many seconds counts as dead."""
PAGE_SIZE = 200
HEARTBEAT = "prefect.flow-run.heartbeat"
SILENT_S = 300.0
"""A run without heartbeats for this many seconds counts as dead: ten heartbeats, by `flows.PREFECT_DEFAULTS`."""


def label_run(run: UUID, attempt: int, *, mark_others: bool = True) -> None:
    """Label a run with this process. `attempt`: how many times the run has begun, this one counted. `mark_others`:
    also mark the other dead runs as crashed."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        labels: dict[str, bool | int | float | str] = {LABEL: str(Process.this()), ATTEMPT_LABEL: attempt}
        ask_again_soon(lambda: client.update_flow_run_labels(run, labels))
        if mark_others:
            mark_dead_runs(client, exclude=run)


def mark_dead_runs(client: SyncPrefectClient, exclude: UUID | None = None) -> list[str]:
    """Mark as crashed every run of our flows whose process is gone, with its unfinished tasks; return their names."""
    dead_runs = [
        run
        for run in list_active_runs(client)
        if run.id != exclude and is_process_gone(run) and _is_in_same_state(client, run)
    ]
    for run in dead_runs:
        _mark_crashed(client, run)
    return [run.name for run in dead_runs]


def mark_silent_runs(client: SyncPrefectClient) -> list[str]:
    """Mark as crashed every run of our flows on another host without a heartbeat for `SILENT_S`; return their names.

    Only valid for a server that has been up for that long: it receives no heartbeats while it is down.
    """
    dead_runs = [run for run in list_active_runs(client) if _is_elsewhere(run) and not _has_heartbeat(client, run)]
    for run in dead_runs:
        _mark_crashed(client, run)
    return [run.name for run in dead_runs]


def _is_elsewhere(run: FlowRun) -> bool:
    process = Process.read(str(run.labels.get(LABEL, "")))
    return process is not None and process.host != socket.gethostname()


def _has_heartbeat(client: SyncPrefectClient, run: FlowRun) -> bool:
    since = datetime.now(UTC) - timedelta(seconds=SILENT_S)
    if run.state is None or not run.state.is_running() or _get_state_time(run.state) > since:
        return True
    query = {
        "event": {"name": [HEARTBEAT]},
        "resource": {"id": [f"prefect.flow-run.{run.id}"]},
        "occurred": {"since": since.isoformat()},
    }
    return bool(client.request("POST", "/events/filter", json={"filter": query, "limit": 1}).json()["events"])


def _is_in_same_state(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether a run is still in the state in which it was listed: a process may hand its run back, and then end."""
    return client.read_flow_run(run.id).state_id == run.state_id


def _get_state_time(state: State[Any]) -> datetime:
    return state.timestamp


def list_active_runs(client: SyncPrefectClient) -> list[FlowRun]:
    """List the runs of our flows that are running, cancelling or pending for Prefect."""
    return _list_runs(client, "RUNNING", "CANCELLING", "PENDING")


def count_waiting_runs(client: SyncPrefectClient) -> int:
    """Count the runs of our flows that are due and wait for a worker or for a slot."""
    now = time.time()
    scheduled = _list_runs(client, "SCHEDULED", "PENDING")
    return sum(r.expected_start_time is None or r.expected_start_time.timestamp() <= now for r in scheduled)


def _list_runs(client: SyncPrefectClient, *states: str) -> list[FlowRun]:
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    in_states = FlowRunFilterStateType(any_=[StateType(state) for state in states])
    return client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=in_states)),
        limit=PAGE_SIZE,
    )


def is_process_gone(run: FlowRun) -> bool:
    """Whether the process of an active run is gone, as far as its labels and its time in this state show."""
    in_state_s = 0.0 if run.state is None else time.time() - run.state.timestamp.timestamp()
    if run.state is not None and run.state.is_pending():  # it has no process of its own yet
        return in_state_s > STARTING_S or (_is_worker_gone(run) and (not run.run_count or in_state_s > TAKEN_AGAIN_S))
    process = Process.read(str(run.labels.get(LABEL, "")))
    if process is not None and run.labels.get(ATTEMPT_LABEL, run.run_count) == run.run_count:
        return process.is_gone
    return in_state_s > UNLABELLED_S


def _is_worker_gone(run: FlowRun) -> bool:
    host, _, pid = str(run.labels.get(WORKER_LABEL, "")).rpartition("-")
    return bool(host) and pid.isdecimal() and Process(host, int(pid)).is_gone


def free_slots(client: SyncPrefectClient) -> None:
    """Free the slots of our deployments' concurrency limits that no active run holds; a killed server leaves such."""
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    active = {run.deployment_id for run in list_active_runs(client)}
    ours = FlowFilter(name=FlowFilterName(any_=list(FLOWS)))
    for deployment in client.read_deployments(flow_filter=ours, limit=PAGE_SIZE):
        limit = deployment.global_concurrency_limit
        if limit is not None and limit.active_slots and deployment.id not in active:
            client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))


def _mark_crashed(client: SyncPrefectClient, run: FlowRun) -> None:
    """Mark a run as crashed, its unfinished tasks, and the runs within it, which may have died without a label."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterId,
        FlowRunFilterParentTaskRunId,
        TaskRunFilter,
        TaskRunFilterState,
        TaskRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    message = "Its process is gone: killed, or the machine stopped. What it had done is kept: run it again to go on."
    open_ = TaskRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])),
        task_run_filter=TaskRunFilter(state=TaskRunFilterState(type=open_)),
        limit=PAGE_SIZE,
    )
    for task in tasks:
        client.set_task_run_state(task.id, Crashed(message="The run's process is gone."), force=True)
    client.set_flow_run_state(run.id, Crashed(message=message))
    parents = FlowRunFilterParentTaskRunId(any_=[task.id for task in tasks])
    for inner in client.read_flow_runs(flow_run_filter=FlowRunFilter(parent_task_run_id=parents)) if tasks else ():
        if inner.state is not None and not inner.state.is_final():
            _mark_crashed(client, inner)
