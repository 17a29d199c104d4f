"""Runs whose process is gone are marked crashed; others are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from flows.serving import crashed_runs
from flows.serving.crashed_runs import (
    HEARTBEAT,
    LABEL,
    WORKER,
    free_places,
    mark_dead,
    mark_silent,
    under_way,
    waiting,
)
from tasks.processes import Process
from tests.helpers.dead_process import make_dead_process
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def client(prefect_server: None) -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as opened:
        mark_dead(opened)  # what other tests left of theirs
        yield opened


def running(client: Any, signed: Process | None, flow_name: str = "process-recording") -> UUID:
    """A run that Prefect believes to be running."""
    from prefect import flow
    from prefect.states import Running

    run = client.create_flow_run(flow(name=flow_name)(lambda: None), state=Running())
    if signed is not None:
        client.update_flow_run_labels(run.id, {LABEL: str(signed)})
    return UUID(str(run.id))


def test_a_run_whose_process_is_gone_is_marked_with_what_to_do(client: Any) -> None:
    gone, mine = running(client, make_dead_process()), running(client, Process.this())
    abroad, unsigned = running(client, Process("elsewhere", 1)), running(client, None)
    others = running(client, make_dead_process(), flow_name="somebody-elses")
    names = mark_dead(client)
    assert len(names) == 1
    state = client.read_flow_run(gone).state
    assert state.is_crashed()
    assert "run it again to go on" in state.message
    for left in (mine, abroad, unsigned, others):
        assert client.read_flow_run(left).state.is_running()
    assert mark_dead(client) == []
    assert {run.id for run in under_way(client)} >= {mine, abroad, unsigned}
    for run in (mine, abroad, unsigned, others):
        client.delete_flow_run(run)


def told(client: Any, of: UUID) -> list[Any]:
    """The heartbeats of that run alone: runs of other tests, on the same server, have theirs."""
    asked = {"filter": {"event": {"name": [HEARTBEAT]}, "resource": {"id": [f"prefect.flow-run.{of}"]}}}
    return list(client.request("POST", "/events/filter", json=asked).json()["events"])


def test_a_run_elsewhere_is_marked_once_nothing_is_heard_of_it(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.events import Event, Resource

    silent, heard = running(client, Process("last-container", 7)), running(client, Process("another-machine", 7))
    mine, unsigned = running(client, Process.this()), running(client, None)
    mark_silent(client)
    assert client.read_flow_run(silent).state.is_running()  # it has only just begun
    monkeypatch.setattr(crashed_runs, "_since", lambda _state: datetime.now(UTC) - timedelta(hours=1))
    of = Resource({"prefect.resource.id": f"prefect.flow-run.{heard}"})
    client.request("POST", "/events", json=[Event(event=HEARTBEAT, resource=of).model_dump(mode="json")])
    wait_until(lambda: told(client, heard), 60)  # the server writes down some seconds later what it hears
    assert client.read_flow_run(silent).name in mark_silent(client)  # other tests may have left some
    assert client.read_flow_run(silent).state.is_crashed()
    for left in (heard, mine, unsigned):
        assert client.read_flow_run(left).state.is_running()
        client.delete_flow_run(left)


def test_its_tasks_do_not_stay_running_either(client: Any) -> None:
    from prefect import task
    from prefect.states import Running

    gone = running(client, make_dead_process())
    made = client.create_task_run(task(lambda: None), flow_run_id=gone, dynamic_key="0", state=Running())
    assert len(mark_dead(client)) == 1
    assert client.read_task_run(made.id).state.is_crashed()


def test_a_run_that_nobody_begins_any_more_is_marked(client: Any) -> None:
    from prefect import flow
    from prefect.states import Pending

    ours = flow(name="ingest-inbox")(lambda: None)
    here, gone = Process.this(), make_dead_process()
    taken = client.create_flow_run(ours, state=Pending())
    client.update_flow_run_labels(taken.id, {WORKER: f"{gone.host}-{gone.pid}"})
    starting = client.create_flow_run(ours, state=Pending())
    client.update_flow_run_labels(starting.id, {WORKER: f"{here.host}-{here.pid}"})
    assert mark_dead(client) == [taken.name]
    assert client.read_flow_run(starting.id).state.is_pending()
    client.delete_flow_run(starting.id)


def limited(client: Any, name: str) -> UUID:
    """A deployment of a flow of that name, whose only place counts as taken."""
    from prefect import flow

    made = client.create_deployment(client.create_flow(flow(name=name)(lambda: None)), "limited", concurrency_limit=1)
    take_place(client, made)
    return UUID(str(made))


def take_place(client: Any, deployment: UUID) -> None:
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

    limit = client.read_deployment(deployment).global_concurrency_limit
    client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=1))


def places_taken(client: Any, deployment: UUID) -> int:
    return int(client.read_deployment(deployment).global_concurrency_limit.active_slots)


def test_places_that_nobody_holds_are_free_again(client: Any) -> None:
    from prefect.states import Running

    deployment = limited(client, "prune-cache")
    free_places(client)
    assert places_taken(client, deployment) == 0
    take_place(client, deployment)
    run = client.create_flow_run_from_deployment(deployment, state=Running())
    free_places(client)
    assert places_taken(client, deployment) == 1  # it is that run's
    client.delete_flow_run(run.id)
    client.delete_deployment(deployment)


def test_the_places_of_other_peoples_deployments_are_theirs(client: Any) -> None:
    theirs = limited(client, "somebody-elses")
    free_places(client)
    assert places_taken(client, theirs) == 1
    client.delete_deployment(theirs)


def test_a_run_may_leave_itself_out(client: Any) -> None:
    mine = running(client, make_dead_process())
    assert mark_dead(client, but=mine) == []
    assert len(mark_dead(client)) == 1


def test_what_is_due_waits_and_what_is_planned_does_not(client: Any) -> None:
    from datetime import UTC, datetime, timedelta

    from prefect import flow
    from prefect.states import Scheduled

    ours = flow(name="prune-cache")(lambda: None)
    before = waiting(client)
    due = client.create_flow_run(ours, state=Scheduled())
    later = client.create_flow_run(ours, state=Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=1)))
    assert waiting(client) == before + 1
    for run in (due, later):
        client.delete_flow_run(run.id)
