"""Whose process a run is, and the runs whose process is gone.

A run says where it runs by a label on itself. A run that is killed stays "Running" for Prefect, and keeps the place
that its deployment's limit gave it; whoever comes next marks it crashed. Of other machines, and of this one where its
name has changed since (the next container has another), only the heartbeat tells: `daylong up` marks what is silent.
"""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasks.processes import Process

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

LABEL = "daylong.process"
FLOWS = ("process-recording", "ingest-inbox", "prune-cache")
WORKER = "prefect.worker.name"
"""The label in which Prefect keeps who has taken a run; ours say whose `daylong up` they belong to."""
STARTING_S = 300.0
"""A process that was to begin a run and hasn't for so long never will."""
UNSIGNED_S = 3600.0
"""A run without the label has died before it could sign, or is about to: so long it is given."""
PAGE = 200
HEARTBEAT = "prefect.flow-run.heartbeat"
SILENT_S = 300.0
"""Ten heartbeats, by `flows.PREFECT_DEFAULTS`."""


def sign(run: UUID, *, alone: bool = True) -> None:
    """Say on the run that it is this process's; `alone`: mark crashed what died before it, too."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(run, {LABEL: str(Process.this())})
        if alone:
            mark_dead(client, but=run)


def mark_dead(client: SyncPrefectClient, but: UUID | None = None) -> list[str]:
    """Mark crashed every run of ours whose process is gone, with its unfinished tasks; their names."""
    dead = [run for run in under_way(client) if run.id != but and is_dead(run)]
    for run in dead:
        _crash(client, run)
    return [run.name for run in dead]


def mark_silent(client: SyncPrefectClient) -> list[str]:
    """Mark crashed every run of ours that is said to run elsewhere and hasn't been heard of for `SILENT_S`; their
    names. Only for a server that has been there for so long: it doesn't hear while it is away."""
    dead = [run for run in under_way(client) if _is_elsewhere(run) and not _is_heard_of(client, run)]
    for run in dead:
        _crash(client, run)
    return [run.name for run in dead]


def _is_elsewhere(run: FlowRun) -> bool:
    process = Process.read(str(run.labels.get(LABEL, "")))
    return process is not None and process.host != socket.gethostname()


def _is_heard_of(client: SyncPrefectClient, run: FlowRun) -> bool:
    since = datetime.now(UTC) - timedelta(seconds=SILENT_S)
    if run.state is None or not run.state.is_running() or _since(run.state) > since:
        return True
    asked = {
        "event": {"name": [HEARTBEAT]},
        "resource": {"id": [f"prefect.flow-run.{run.id}"]},
        "occurred": {"since": since.isoformat()},
    }
    return bool(client.request("POST", "/events/filter", json={"filter": asked, "limit": 1}).json()["events"])


def _since(state: State[Any]) -> datetime:
    return state.timestamp


def under_way(client: SyncPrefectClient) -> list[FlowRun]:
    """The runs of our flows that Prefect believes to be running, or about to."""
    return _runs(client, "RUNNING", "CANCELLING", "PENDING")


def waiting(client: SyncPrefectClient) -> int:
    """How many runs of our flows are due and wait for a worker, or for the one before them."""
    now = time.time()
    due = _runs(client, "SCHEDULED", "PENDING")
    return sum(r.expected_start_time is None or r.expected_start_time.timestamp() <= now for r in due)


def _runs(client: SyncPrefectClient, *states: str) -> list[FlowRun]:
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    held = FlowRunFilterStateType(any_=[StateType(state) for state in states])
    return client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=held)),
        limit=PAGE,
    )


def is_dead(run: FlowRun) -> bool:
    """Whether Prefect believes it to be running, and its process is gone."""
    process = Process.read(str(run.labels.get(LABEL, "")))
    if process is not None:
        return process.is_gone
    if run.state is not None and run.state.is_pending():
        host, _, pid = str(run.labels.get(WORKER, "")).rpartition("-")
        if host and pid.isdecimal() and Process(host, int(pid)).is_gone:
            return True
        return time.time() - run.state.timestamp.timestamp() > STARTING_S
    began = run.start_time or run.expected_start_time
    return began is not None and time.time() - began.timestamp() > UNSIGNED_S


def free_places(client: SyncPrefectClient) -> None:
    """Give back the places that our deployments' limits count as taken, where no run is under way: a server that was
    killed forgets who held them."""
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    busy = {run.deployment_id for run in under_way(client)}
    ours = FlowFilter(name=FlowFilterName(any_=list(FLOWS)))
    for deployment in client.read_deployments(flow_filter=ours, limit=PAGE):
        held = deployment.global_concurrency_limit
        if held is not None and held.active_slots and deployment.id not in busy:
            client.update_global_concurrency_limit(held.name, GlobalConcurrencyLimitUpdate(active_slots=0))


def _crash(client: SyncPrefectClient, run: FlowRun) -> None:
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterId,
        TaskRunFilter,
        TaskRunFilterState,
        TaskRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    why = "Its process is gone: killed, or the machine stopped. What it had done is kept: run it again to go on."
    open_ = TaskRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])),
        task_run_filter=TaskRunFilter(state=TaskRunFilterState(type=open_)),
        limit=PAGE,
    )
    for task in tasks:
        client.set_task_run_state(task.id, Crashed(message="The run's process is gone."), force=True)
    client.set_flow_run_state(run.id, Crashed(message=why))
