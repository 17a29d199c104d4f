"""A run whose slot of its deployment's concurrency limit is lost on Prefect's server is handed back, and not lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from prefect.client.schemas.responses import SetStateStatus
from prefect.concurrency import _leases
from prefect.exceptions import Pause
from prefect.states import AwaitingRetry, Cancelled, Cancelling, Pending, Running

from flows.reporting import run_account
from flows.reporting.run_account import HandedBack, hand_back
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def client(prefect_server: None) -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as opened:
        yield opened


@pytest.fixture
def pending(client: Any) -> Iterator[Any]:
    """A run from a deployment with one slot, which it holds."""
    from flows.process_recording import process_recording

    made = client.create_deployment(client.create_flow(process_recording), "one-slot", concurrency_limit=1)
    run = client.create_flow_run_from_deployment(made)
    client.set_flow_run_state(run.id, Pending())
    yield client.read_flow_run(run.id)
    client.delete_flow_run(run.id)
    client.delete_deployment(made)


def test_it_is_taken_up_again(client: Any, pending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.flow_engine import run_flow

    from flows import process_recording

    def work_until_ended(*_: Any) -> None:
        """Lose the slot, as a server does that is started again."""
        lease = client.read_flow_run(pending.id).state.state_details.deployment_concurrency_lease_id
        client.request("POST", "/v2/concurrency_limits/decrement-with-lease", json={"lease_id": str(lease)})
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            time.sleep(0.01)

    monkeypatch.setattr(process_recording, "prepare", work_until_ended)
    monkeypatch.setattr(run_account, "in_worker", lambda: True)
    monkeypatch.setattr(_leases, "_RENEWAL_FRACTION", 0.001)
    monkeypatch.setattr(_leases, "_RENEWAL_RETRY_BASE_DELAY", 0.01)
    with pytest.raises(Pause):
        run_flow(process_recording.process_recording, flow_run=pending, parameters={"source": "talk.wav"})
    state = client.read_flow_run(pending.id).state
    assert (state.name, state.message) == ("AwaitingRetry", HandedBack.SLOT_LOST.value)
    limit = client.read_deployment(pending.deployment_id).global_concurrency_limit
    wait_until(lambda: client.read_global_concurrency_limit_by_name(limit.name).active_slots == 0, 30)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """What Prefect's client answers, in a worker's process."""
    answering = Mock()
    answering.__enter__ = Mock(return_value=answering)
    answering.__exit__ = Mock(return_value=None)
    answering.read_flow_run.return_value.state = Running()
    monkeypatch.setattr(run_account, "get_client", lambda **_: answering)
    monkeypatch.setattr(run_account, "in_worker", lambda: True)
    monkeypatch.setattr(run_account, "is_top_level", lambda: True)
    monkeypatch.setattr(run_account, "SERVER_RETRY_S", 0.0)
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", "6b1f7d62-6a3c-4f7e-9d2c-0c1f0f6f3b11")
    return answering


def accept(_run: Any, state: Any) -> Any:
    return Mock(status=SetStateStatus.ACCEPT, state=state)


def reject_as_repeated(_run: Any, state: Any) -> Any:
    return Mock(status=SetStateStatus.REJECT, state=state)


def reject_as_cancelled(_run: Any, _state: Any) -> Any:
    return Mock(status=SetStateStatus.REJECT, state=Cancelled())


def refuse(*_: Any) -> Any:
    raise httpx.ConnectError("refused")


def answer_in_turn(*answering: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    left = iter(answering)
    return lambda run, state: next(left)(run, state)


def test_it_waits_for_a_server_that_is_started_again(answers: Mock) -> None:
    answers.set_flow_run_state.side_effect = answer_in_turn(refuse, refuse, accept)
    with pytest.raises(Pause):
        hand_back(HandedBack.SLOT_LOST)
    assert answers.set_flow_run_state.call_count == 3


def test_one_that_is_asked_to_end_does_not_wait(answers: Mock) -> None:
    answers.set_flow_run_state.side_effect = answer_in_turn(refuse, accept)
    with pytest.raises(httpx.ConnectError):
        hand_back(HandedBack.ASKED)


def test_a_request_whose_answer_came_too_late_has_handed_it_back(answers: Mock) -> None:
    answers.set_flow_run_state.side_effect = reject_as_repeated
    with pytest.raises(Pause):
        hand_back(HandedBack.ASKED)
    # Or the answer never came, and the run is found in the state that was asked for.
    answers.read_flow_run.return_value.state = AwaitingRetry(message=HandedBack.ASKED.value)
    answers.set_flow_run_state.side_effect = refuse
    with pytest.raises(Pause):
        hand_back(HandedBack.ASKED)


def test_one_that_somebody_cancels_is_not_handed_back(answers: Mock) -> None:
    answers.set_flow_run_state.side_effect = reject_as_cancelled
    hand_back(HandedBack.ASKED)
    answers.read_flow_run.return_value.state = Cancelling()
    answers.set_flow_run_state.side_effect = refuse
    hand_back(HandedBack.SLOT_LOST)
