"""Runs whose process is gone are marked crashed; others are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from flows.serving import crashed_runs
from flows.serving.crashed_runs import (
    ATTEMPT_LABEL,
    HEARTBEAT,
    LABEL,
    TAKEN_AGAIN_S,
    UNLABELLED_S,
    WORKER_LABEL,
    count_waiting_runs,
    free_slots,
    is_process_gone,
    label_run,
    list_active_runs,
    mark_dead_runs,
    mark_silent_runs,
)
from tasks.processes import Process
from tests.helpers.dead_process import make_dead_process
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def client(prefect_server: None) -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as opened:
        mark_dead_runs(opened)  # those that other tests left
        yield opened


def create_running(client: Any, process: Process | None, flow_name: str = "process-recording") -> UUID:
    """Create a run in state Running, labelled with `process` if given."""
    from prefect import flow
    from prefect.states import Running

    run = client.create_flow_run(flow(name=flow_name)(lambda: None), state=Running())
    if process is not None:
        client.update_flow_run_labels(run.id, {LABEL: str(process)})
    return UUID(str(run.id))


def test_a_run_whose_process_is_gone_is_marked_crashed_with_what_to_do(client: Any) -> None:
    gone, own = create_running(client, make_dead_process()), create_running(client, Process.this())
    remote, unlabelled = create_running(client, Process("elsewhere", 1)), create_running(client, None)
    others = create_running(client, make_dead_process(), flow_name="somebody-elses")
    names = mark_dead_runs(client)
    assert len(names) == 1
    state = client.read_flow_run(gone).state
    assert state.is_crashed()
    assert "run it again to go on" in state.message
    for left in (own, remote, unlabelled, others):
        assert client.read_flow_run(left).state.is_running()
    assert mark_dead_runs(client) == []
    assert {run.id for run in list_active_runs(client)} >= {own, remote, unlabelled}
    for run in (own, remote, unlabelled, others):
        client.delete_flow_run(run)


def list_heartbeats(client: Any, of: UUID) -> list[Any]:
    """List the heartbeats of one run; runs of other tests on the same server have their own."""
    asked = {"filter": {"event": {"name": [HEARTBEAT]}, "resource": {"id": [f"prefect.flow-run.{of}"]}}}
    return list(client.request("POST", "/events/filter", json=asked).json()["events"])


def test_a_run_on_another_machine_is_marked_once_it_sends_no_heartbeats(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.events import Event, Resource

    silent, alive = (
        create_running(client, Process("last-container", 7)),
        create_running(client, Process("another-machine", 7)),
    )
    own, unlabelled = create_running(client, Process.this()), create_running(client, None)
    mark_silent_runs(client)
    assert client.read_flow_run(silent).state.is_running()  # it has only just begun
    monkeypatch.setattr(crashed_runs, "_get_state_time", lambda _state: datetime.now(UTC) - timedelta(hours=1))
    of = Resource({"prefect.resource.id": f"prefect.flow-run.{alive}"})
    client.request("POST", "/events", json=[Event(event=HEARTBEAT, resource=of).model_dump(mode="json")])
    wait_until(lambda: list_heartbeats(client, alive), 60)  # the server stores events some seconds later
    assert client.read_flow_run(silent).name in mark_silent_runs(client)  # other tests may have left some
    assert client.read_flow_run(silent).state.is_crashed()
    for left in (alive, own, unlabelled):
        assert client.read_flow_run(left).state.is_running()
        client.delete_flow_run(left)


def test_the_tasks_of_a_dead_run_are_marked_too(client: Any) -> None:
    from prefect import task
    from prefect.states import Running

    gone = create_running(client, make_dead_process())
    made = client.create_task_run(task(lambda: None), flow_run_id=gone, dynamic_key="0", state=Running())
    assert len(mark_dead_runs(client)) == 1
    assert client.read_task_run(made.id).state.is_crashed()


def test_a_run_within_a_dead_run_is_marked_too_if_it_died_before_it_had_its_label(client: Any) -> None:
    from prefect import flow, task
    from prefect.states import Running

    gone = create_running(client, make_dead_process(), flow_name="ingest-inbox")
    inner_task = client.create_task_run(task(lambda: None), flow_run_id=gone, dynamic_key="0", state=Running())
    inner = client.create_flow_run(
        flow(name="process-recording")(lambda: None), parent_task_run_id=inner_task.id, state=Running()
    )
    mark_dead_runs(client)
    assert client.read_flow_run(inner.id).state.is_crashed()


def test_a_pending_run_whose_worker_is_gone_is_marked(client: Any) -> None:
    from prefect import flow
    from prefect.states import Pending

    ours = flow(name="ingest-inbox")(lambda: None)
    here, gone = Process.this(), make_dead_process()
    taken = client.create_flow_run(ours, state=Pending())
    client.update_flow_run_labels(taken.id, {WORKER_LABEL: f"{gone.host}-{gone.pid}"})
    starting = client.create_flow_run(ours, state=Pending())
    client.update_flow_run_labels(starting.id, {WORKER_LABEL: f"{here.host}-{here.pid}"})
    assert mark_dead_runs(client) == [taken.name]
    assert client.read_flow_run(starting.id).state.is_pending()
    client.delete_flow_run(starting.id)


def make_run(state: Any, run_count: int, seconds_ago: float = 0.0, **labels: Any) -> Any:
    """A run as Prefect's client reads it, `seconds_ago` set to its state; in labels, _ stands for a dot."""
    from uuid import uuid4

    from prefect.client.schemas.objects import FlowRun

    since = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    named = {name.replace("_", "."): value for name, value in labels.items()}
    return FlowRun(
        flow_id=uuid4(), state=state.model_copy(update={"timestamp": since}), run_count=run_count, labels=named
    )


def test_a_run_that_is_taken_up_again_is_not_judged_by_the_process_of_its_attempt_before() -> None:
    from prefect.states import Pending, Running

    before = {LABEL.replace(".", "_"): str(make_dead_process()), ATTEMPT_LABEL.replace(".", "_"): 1}
    assert is_process_gone(make_run(Running(), 1, **before))
    assert not is_process_gone(make_run(Pending(), 1, **before))
    assert not is_process_gone(make_run(Running(), 2, **before))
    assert is_process_gone(make_run(Running(), 2, UNLABELLED_S + 1, **before))
    assert is_process_gone(make_run(Running(), 2, **before | {"daylong_attempt": 2}))


def test_a_run_that_is_taken_up_again_is_not_judged_by_the_worker_before() -> None:
    from prefect.states import Pending

    gone = make_dead_process()
    worker = {"prefect_worker_name": f"{gone.host}-{gone.pid}"}
    assert WORKER_LABEL == "prefect.worker.name"
    assert is_process_gone(make_run(Pending(), 0, **worker))
    assert not is_process_gone(make_run(Pending(), 1, **worker))
    assert is_process_gone(make_run(Pending(), 1, TAKEN_AGAIN_S + 1, **worker))


def test_a_run_that_was_handed_back_since_it_was_listed_is_left_alone(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.states import AwaitingRetry

    run = create_running(client, make_dead_process())
    listed = list_active_runs(client)
    client.set_flow_run_state(run, AwaitingRetry(scheduled_time=datetime.now(UTC) + timedelta(hours=1)))
    monkeypatch.setattr(crashed_runs, "list_active_runs", lambda _client: listed)
    assert mark_dead_runs(client) == []
    assert client.read_flow_run(run).state.is_scheduled()
    client.delete_flow_run(run)


def test_a_run_is_labelled_with_its_process_and_its_attempt(client: Any) -> None:
    run = create_running(client, make_dead_process())
    label_run(run, 1)
    found = client.read_flow_run(run)
    assert (found.labels[LABEL], found.labels[ATTEMPT_LABEL], found.run_count) == (str(Process.this()), 1, 1)
    assert mark_dead_runs(client) == []
    client.delete_flow_run(run)


def create_limited_deployment(client: Any, name: str) -> UUID:
    """Create a deployment of a flow of that name, whose only slot counts as taken."""
    from prefect import flow

    made = client.create_deployment(client.create_flow(flow(name=name)(lambda: None)), "limited", concurrency_limit=1)
    take_slot(client, made)
    return UUID(str(made))


def take_slot(client: Any, deployment: UUID) -> None:
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

    limit = client.read_deployment(deployment).global_concurrency_limit
    client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=1))


def count_slots(client: Any, deployment: UUID) -> int:
    return int(client.read_deployment(deployment).global_concurrency_limit.active_slots)


def test_slots_without_an_active_run_are_freed(client: Any) -> None:
    from prefect.states import Running

    deployment = create_limited_deployment(client, "prune-cache")
    free_slots(client)
    assert count_slots(client, deployment) == 0
    take_slot(client, deployment)
    run = client.create_flow_run_from_deployment(deployment, state=Running())
    free_slots(client)
    assert count_slots(client, deployment) == 1  # it is that run's
    client.delete_flow_run(run.id)
    client.delete_deployment(deployment)


def test_slots_of_other_flows_deployments_are_left_alone(client: Any) -> None:
    others = create_limited_deployment(client, "somebody-elses")
    free_slots(client)
    assert count_slots(client, others) == 1
    client.delete_deployment(others)


def test_a_run_may_exclude_itself(client: Any) -> None:
    own = create_running(client, make_dead_process())
    assert mark_dead_runs(client, exclude=own) == []
    assert len(mark_dead_runs(client)) == 1


def test_due_runs_count_as_waiting_and_planned_ones_do_not(client: Any) -> None:
    from datetime import UTC, datetime, timedelta

    from prefect import flow
    from prefect.states import Scheduled

    ours = flow(name="prune-cache")(lambda: None)
    before = count_waiting_runs(client)
    due = client.create_flow_run(ours, state=Scheduled())
    later = client.create_flow_run(ours, state=Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=1)))
    assert count_waiting_runs(client) == before + 1
    for run in (due, later):
        client.delete_flow_run(run.id)
