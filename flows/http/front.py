"""A front: one of several processes behind one port. It receives requests and their uploads, and has them answered.

What is sent with a recording is checked and written to the disk here; everything is answered by the process that has
the board, over a socket that this user's processes alone reach, and passed on as it comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import httpcore
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from flows.http.ending import make_ending_error
from flows.http.errors import ApiError, wrap_unexpected
from flows.http.handover import hand_over, hand_over_error
from flows.http.keys import check_caller
from flows.http.receiving import KINDS, drain, receive_request
from flows.http.uploads import Room, Upload
from tasks.settings.schema import ServeSettings

log = logging.getLogger("daylong.serve")

KEPT_OPEN_S = 30
"""An idle connection to the board's process, which keeps it longer: none is closed while it is taken."""
OF_A_CONNECTION = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)  # fmt: skip
"""Headers that concern a connection, not what is sent over it."""
OF_THE_FRONT = OF_A_CONNECTION | frozenset(
    b"content-length content-type content-encoding expect forwarded x-forwarded-for x-forwarded-proto".split()
)
"""Headers of requests that are not passed on."""
OF_THE_BOARD = OF_A_CONNECTION | {b"date"}
"""Headers of answers that are not passed on."""


class Front:
    """The application of one front (ASGI)."""

    def __init__(self, settings: ServeSettings, keys: Mapping[str, str], room: Room, address: str) -> None:
        """`room`: for its own uploads, by itself in the folder of all; `address`: path of the board's socket."""
        self._settings, self._keys, self._room = settings, keys, room
        self._board = httpcore.AsyncConnectionPool(
            uds=address, max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEPT_OPEN_S
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        upload, content = None, b""
        if scope["method"] == "POST" and scope["path"] in KINDS:
            try:
                upload, content = await self._receive(Request(scope, receive))
            except ClientDisconnect:
                return
        answering = asyncio.ensure_future(self._answer(scope, content, send))
        leaving = asyncio.ensure_future(_wait_until_gone(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
        finally:
            answering.cancel()
            leaving.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
            if upload is not None:
                upload.discard()  # nothing is left of it where it was taken over

    async def _receive(self, request: Request) -> tuple[Upload | None, bytes]:
        """Receive a request with a recording; return it, and what is handed over. Raises ClientDisconnect."""
        try:
            try:
                check_caller(request.headers, self._keys, self._settings.origins or ())
            except ApiError:
                await drain(request)
                raise
            kind = KINDS[request.scope["path"]]
            _, upload = await receive_request(request, kind, self._room, self._settings)
            return upload, hand_over(upload)
        except ClientDisconnect:
            raise
        except ApiError as error:
            return None, hand_over_error(error)
        except Exception as error:
            log.error("a request failed unexpectedly", exc_info=error)
            return None, hand_over_error(wrap_unexpected(error))

    async def _answer(self, scope: Scope, content: bytes, send: Send) -> None:
        """Have a request answered, and pass the answer on; ends without the answer's end where it is cut off."""
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        begun = False
        try:
            async with self._board.stream(
                scope["method"],
                httpcore.URL(scheme=b"http", host=b"board", target=target),
                headers=_choose_headers(scope, len(content)),
                content=content,
            ) as answer:
                kept = [(k.lower(), v) for k, v in answer.headers if k.lower() not in OF_THE_BOARD]
                await send({"type": "http.response.start", "status": answer.status, "headers": kept})
                begun = True
                async for piece in answer.aiter_stream():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except (httpcore.NetworkError, httpcore.ProtocolError):
            if not begun:
                error = make_ending_error()
                await JSONResponse(error.body(), error.status, headers=error.headers)(scope, _receive_nothing, send)
            return
        await send({"type": "http.response.body"})


def _choose_headers(scope: Scope, length: int) -> list[tuple[bytes, bytes]]:
    """Choose the headers of a request that are passed on."""
    kept = [(name, value) for name, value in scope["headers"] if name not in OF_THE_FRONT]
    if not any(name == b"host" for name, _ in kept):
        kept.insert(0, (b"host", b"board"))
    kept.append((b"x-forwarded-proto", scope["scheme"].encode()))
    kept.append((b"content-length", str(length).encode()))
    return kept


async def _wait_until_gone(receive: Receive) -> None:
    """Wait until the client is gone; what it still sends is dropped."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _receive_nothing() -> dict[str, str]:
    return {"type": "http.disconnect"}
