"""A request that a locked database refuses is sent again soon, and not after the seconds of Prefect's client."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES

from flows.serving import locked_database
from flows.serving.locked_database import PAUSES_S, ask_again_soon


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(locked_database.time, "sleep", slept.append)
    return slept


def make_request(*statuses: int) -> tuple[Callable[[], str], list[int]]:
    """(a request that is answered so in turn, the retries that Prefect's client was allowed each time)."""
    left, allowed = list(statuses), list[int]()

    def ask() -> str:
        allowed.append(PREFECT_CLIENT_MAX_RETRIES.value())
        request = httpx.Request("PATCH", "http://server/api")
        httpx.Response(left.pop(0), request=request).raise_for_status()
        return "done"

    return ask, allowed


def test_a_locked_database_is_asked_again_soon(pauses: list[float]) -> None:
    ask, allowed = make_request(503, 503, 204)
    assert ask_again_soon(ask) == "done"
    assert (pauses, allowed) == ([*PAUSES_S[:2]], [0, 0, 0])


def test_one_that_stays_locked_is_left_to_the_client(pauses: list[float]) -> None:
    ask, allowed = make_request(*[503] * len(PAUSES_S), 204)
    assert ask_again_soon(ask) == "done"
    assert allowed[-1] > 0
    assert sum(pauses) < 2.0  # the first pause of Prefect's client


def test_a_request_at_fault_is_not_repeated(pauses: list[float]) -> None:
    ask, allowed = make_request(404, 204)
    with pytest.raises(httpx.HTTPStatusError):
        ask_again_soon(ask)
    assert (pauses, allowed) == ([], [0])


def test_a_server_that_does_not_answer_is_left_to_the_client(pauses: list[float]) -> None:
    allowed: list[int] = []

    def ask() -> str:
        allowed.append(PREFECT_CLIENT_MAX_RETRIES.value())
        if len(allowed) == 1:
            raise httpx.ConnectError("refused")
        return "done"

    assert ask_again_soon(ask) == "done"
    assert (pauses, allowed[0]) == ([], 0)
    assert allowed[1] > 0
