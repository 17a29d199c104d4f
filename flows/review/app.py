"""The web application of a review: a one-time token, the page, the sound, and corrections as they are made.

The token is in the address that the command prints. The first who asks with it gets a cookie in its place, and the
token is worth nothing any more. Nothing is answered without the cookie, nor under another name of this machine, nor
to scripts of other pages.
"""

from __future__ import annotations

import hmac
import json
import secrets
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from flows.review.session import Review
from tasks.errors import DaylongError

COOKIE = "daylong-review"
MOST_BYTES = 2_000_000
"""Of a request: hundreds of corrections."""
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Door:
    """Who may come in: by the token once, then by the cookie that was given for it."""

    def __init__(self, token: str, hosts: tuple[str, ...]) -> None:
        self._token: str | None = token
        self._hosts = hosts
        self._cookies: set[str] = set()

    def exchange(self, token: str) -> str | None:
        """A cookie for the token; None where it is another, or was used."""
        if self._token is None or not hmac.compare_digest(token.encode(), self._token.encode()):
            return None
        self._token = None
        cookie = secrets.token_urlsafe(32)
        self._cookies.add(cookie)
        return cookie

    def check(self, request: Request) -> str:
        """Why a request is refused; empty where it is not."""
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return "Not under this name."
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return "Not from another page."
        if request.method == "POST" and request.headers.get("content-type") != "application/json":
            return "JSON alone is taken."
        given = request.cookies.get(COOKIE, "").encode()
        if not any(hmac.compare_digest(given, cookie.encode()) for cookie in self._cookies):
            return "The address that daylong review printed was used, or this is another. Start it again."
        return ""


def create_app(review: Review, door: Door) -> Starlette:
    """Create the application."""

    async def guard(request: Request, follow: RequestResponseEndpoint) -> Response:
        token = request.query_params.get("token")
        cookie = door.exchange(token) if token and request.url.path == "/" else None
        if cookie is not None:
            answer: Response = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/")
        elif refused := door.check(request):
            answer = JSONResponse({"error": refused}, 403)
        else:
            answer = await follow(request)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    async def page(_request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(review.render_page))

    async def sound(request: Request) -> Response:
        number, paths = int(request.path_params["number"]), review.paths
        if number >= len(paths) or not paths[number] or not Path(paths[number]).is_file():
            return PlainTextResponse("The sound is not there.", 404)
        return FileResponse(paths[number])

    async def corrections(request: Request) -> Response:
        held = await _read_json(request)
        edits, instead_of = list(held["edits"]), [int(number) for number in held["instead_of"]]
        entered = await run_in_threadpool(review.enter, edits, instead_of)
        return JSONResponse(
            {
                "numbers": [fact.number for fact in entered.result.entered],
                "prospect": str(entered.prospect),
                "errors": entered.errors,
                "elsewhere": round(100 * entered.found.elsewhere),
                "words": round(entered.found.num_words),
            }
        )

    async def names(request: Request) -> Response:
        held = await _read_json(request)
        return JSONResponse({"entered": await run_in_threadpool(review.enter_names, held)})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/sound/{number:int}", sound),
            Route("/corrections", corrections, methods=["POST"]),
            Route("/names", names, methods=["POST"]),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=guard)],
        exception_handlers={
            DaylongError: _answer_error,
            OSError: _answer_error,
            ValueError: _answer_malformed,
            KeyError: _answer_malformed,
            TypeError: _answer_malformed,
        },
    )


async def _read_json(request: Request) -> dict[str, Any]:
    """Raises ValueError for what is no JSON object, or too long."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError("too long")
    held = json.loads(body)
    if not isinstance(held, dict):
        raise ValueError("no object")
    return held


async def _answer_error(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": " ".join(str(error).split())}, 409)


async def _answer_malformed(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"these are no corrections as a report makes them ({error!r:.80})"}, 400)
