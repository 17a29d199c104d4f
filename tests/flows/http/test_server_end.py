"""Requests that are open when the server ends: each is told so, and nothing of it is logged as a fault."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from flows.http.ending import AnswerAtEnd, quiet_server_log


def cancel(*sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Cancel a request that has been answered so far; return all that was answered."""
    answered: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in sent:
            await send(message)
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        answered.append(message)

    async def test() -> None:
        asking = asyncio.create_task(AnswerAtEnd(app)({"type": "http"}, None, send))  # type: ignore[arg-type]
        while len(answered) < len(sent):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asking

    asyncio.run(asyncio.wait_for(test(), 10))
    return answered


def start(kind: bytes) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}


def test_one_that_waits_is_answered_with_an_error_and_when_to_ask_again() -> None:
    head, body = cancel()
    assert head["status"] == 503
    assert dict(head["headers"])[b"retry-after"] == b"10"
    assert json.loads(body["body"])["error"]["code"] == "server_ending"


def test_a_stream_ends_with_an_event_of_the_error() -> None:
    *_, last = cancel(
        start(b"text/event-stream; charset=utf-8"), {"type": "http.response.body", "body": b"da", "more_body": True}
    )
    assert not last.get("more_body")
    event = last["body"].decode()
    assert event.startswith("\n\nevent: error\ndata: ")
    assert json.loads(event.partition("data: ")[2])["error"]["type"] == "server_error"


def test_another_answer_is_cut_off() -> None:
    assert len(cancel(start(b"text/plain"))) == 1


def test_it_is_not_logged_and_faults_are(caplog: pytest.LogCaptureFixture) -> None:
    quiet_server_log()
    log = logging.getLogger("uvicorn.error")
    log.error("Cancel %s running task(s), timeout graceful shutdown exceeded", 2)
    log.error("ASGI callable returned without completing response.")
    log.error("Application startup failed. Exiting.")
    assert [record.message for record in caplog.records] == ["Application startup failed. Exiting."]
