"""The end of a server: what requests are answered that are open still when their time is up."""

from __future__ import annotations

import asyncio
import logging

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.http.errors import ApiError

EXPECTED = ("Cancel %s running task(s)", "ASGI callable returned without completing")
"""Beginnings of what uvicorn says of such requests."""


def make_ending_error() -> ApiError:
    """Make the error of a request that the end of the server cuts off."""
    message = "The server is ending. Ask again later; work that has begun goes on when it is started again."
    return ApiError(503, message, code="server_ending", headers={"Retry-After": "10"})


class AnswerAtEnd:
    """An application (ASGI) around another: a request that is cancelled, as servers do when they end, is told why."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: Message | None = None

        async def note(message: Message) -> None:
            nonlocal begun
            begun = begun or message
            await send(message)

        try:
            await self._app(scope, receive, note)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            error = make_ending_error()
            if begun is None:
                await JSONResponse(error.body(), error.status, headers=error.headers)(scope, receive, send)
            elif dict(begun["headers"]).get(b"content-type", b"").startswith(b"text/event-stream"):
                from flows.http.events import format_error

                # It may have been in the middle of an event.
                await send({"type": "http.response.body", "body": f"\n\n{format_error(error.body())}".encode()})


def quiet_server_log() -> None:
    """Leave out of uvicorn's log what clients are told, and what `AnswerAtEnd` sees to."""
    server_log = logging.getLogger("uvicorn.error")
    server_log.setLevel(logging.ERROR)
    server_log.addFilter(_is_unexpected)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def _is_unexpected(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(EXPECTED)
