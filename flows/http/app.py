"""The web application: its routes, and that every error has OpenAI's shape."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.http import routes
from flows.http.board import Board
from flows.http.errors import ApiError, error_body, wrap_unexpected
from flows.http.jobs import JobFolder
from flows.http.keys import check_caller
from flows.http.metrics import ServerMetrics
from flows.http.queries import WorkerQueries
from flows.http.receiving import drain, receive_request
from flows.http.service import ReceiveRequest, Service
from flows.http.uploads import Room
from flows.http.worker import Worker
from tasks.settings.schema import ServeSettings

log = logging.getLogger("daylong.serve")

DESCRIPTION = "Transcripts with speakers of recordings of up to a day and more, by OpenAI's contract for audio."


@dataclass(frozen=True, slots=True)
class Hosting:
    """What the application is made with."""

    settings: ServeSettings
    keys: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each key -> its name; none: no key is asked for."""


def create_app(service: Service, hosting: Hosting) -> FastAPI:
    """Create the application."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.board.resume()
        yield
        await service.board.close()

    async def guard(request: Request) -> None:
        try:
            check_caller(request.headers, hosting.keys, hosting.settings.origins or ())
        except ApiError:
            await drain(request)
            raise

    app = FastAPI(title="Daylong", version=version("daylong"), description=DESCRIPTION, lifespan=lifespan)
    app.include_router(routes.make_open_router(service))
    app.include_router(routes.make_router(service), dependencies=[Depends(guard)])
    app.add_exception_handler(ApiError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unexpected)
    if hosting.settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(hosting.settings.origins), allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(_CountRequests, metrics=service.metrics)
    return app


def make_service(
    settings: ServeSettings,
    room: Room,
    jobs: JobFolder,
    worker: Worker,
    secret: str,
    models: Collection[str],
    receive: ReceiveRequest = receive_request,
) -> Service:
    """Make what the routes work with. `secret`: of webhooks; `models`: those ready; `receive`: as `Service`."""
    metrics = ServerMetrics()
    board = Board(settings, jobs, worker, metrics, secret)
    return Service(board, WorkerQueries(worker), room, jobs, metrics, settings, tuple(models), receive)


async def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body(), error.status, headers=error.headers)


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = next(iter(error.errors()), {"loc": (), "msg": "invalid"})
    where = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    return JSONResponse(error_body(422, str(first["msg"]), ".".join(where) or None), 422)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"There is no {request.method} {request.url.path}." if error.status_code in (404, 405) else error.detail
    return JSONResponse(error_body(error.status_code, message), error.status_code, headers=error.headers)


async def _answer_unexpected(_request: Request, error: Exception) -> Response:
    log.error("a request failed unexpectedly", exc_info=error)
    return JSONResponse(wrap_unexpected(error).body(), 500)


class _CountRequests:
    """Count requests by route and status."""

    def __init__(self, app: ASGIApp, metrics: ServerMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.requests.labels(route, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, count)
