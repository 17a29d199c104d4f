"""The routes. Their bodies are described by hand: forms whose fields have brackets, read as they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from flows.http import openapi
from flows.http.errors import ApiError
from flows.http.form import read_transcription
from flows.http.jobs import BATCH, CONNECTION, STREAM, Job
from flows.http.metrics import CONTENT_TYPE
from flows.http.models import LISTED_ALIAS, describe_model, list_models
from flows.http.receiving import JOBS, TRANSCRIPTIONS, TRANSLATIONS
from flows.http.service import Service
from flows.http.shapes import media_type

JOB_HEADER = "x-daylong-job"
STATUS_HEADER = "x-daylong-status"
"""complete, or partial where a chunk failed."""
EVENT_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def make_open_router(service: Service) -> APIRouter:
    """Make the routes that ask for no key."""
    router = APIRouter()

    @router.get("/health", summary="Whether the server answers, and what it has to do. Wakes no engine.")
    async def health() -> dict[str, Any]:
        board = service.board
        return {"status": "ok", "waiting": len(board.waiting), "running": len(board.running)}

    return router


def make_router(service: Service) -> APIRouter:
    """Make the other routes."""
    router = APIRouter(responses=openapi.ERRORS)
    board = service.board

    @router.post(
        TRANSCRIPTIONS,
        summary="Transcribe a recording, and answer when it is done.",
        openapi_extra=openapi.TRANSCRIPTION_BODY,
        response_class=Response,
        responses=openapi.TRANSCRIPTION_ANSWERS,
    )
    async def transcribe(request: Request) -> Response:
        return await _answer_request(service, request, TRANSCRIPTIONS)

    @router.post(
        TRANSLATIONS,
        summary="The same in English, whatever is spoken, where the recogniser can do that.",
        openapi_extra=openapi.TRANSCRIPTION_BODY,
        response_class=Response,
        responses=openapi.TRANSCRIPTION_ANSWERS,
    )
    async def translate(request: Request) -> Response:
        return await _answer_request(service, request, TRANSLATIONS)

    @router.get("/v1/models", summary="The models that requests may name.")
    async def models() -> dict[str, Any]:
        return list_models(await service.list_models())

    @router.get("/v1/models/{model:path}", summary="One of them.")
    async def model(model: str) -> dict[str, Any]:
        if model != LISTED_ALIAS and model not in await service.list_models():
            raise ApiError(
                404, f"The model {model[:80]!r} does not exist here.", param="model", code="model_not_found"
            )
        return describe_model(model)

    @router.post(
        JOBS,
        summary="Have a recording transcribed, however long that takes.",
        status_code=202,
        openapi_extra=openapi.JOB_BODY,
        response_class=JSONResponse,
    )
    async def add_job(request: Request) -> Response:
        try:
            wanted, upload = await service.receive(request, JOBS)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            job = await service.accept(wanted, upload, BATCH)
        finally:
            upload.discard()
        return JSONResponse(board.describe(job), 202, headers={"Location": f"/v1/jobs/{job.id}"})

    @router.get("/v1/jobs/{job_id}", summary="What became of a job so far.")
    async def read_job(job_id: str) -> dict[str, Any]:
        return board.describe(board.find(job_id))

    @router.get(
        "/v1/jobs/{job_id}/result",
        summary="The transcript of a completed job, in any format, as often as wanted.",
        openapi_extra=openapi.RESULT_QUERY,
        response_class=Response,
        responses=openapi.TRANSCRIPTION_ANSWERS,
    )
    async def read_result(job_id: str, request: Request) -> Response:
        job = board.find(job_id)
        wanted = read_transcription(list(request.query_params.multi_items()))
        if not job.is_finished:
            headers = {"Retry-After": "5"}
            raise ApiError(409, f"The job is {job.state}.", code="job_not_finished", headers=headers)
        await board.wait(job)
        body = await service.write_body(job, wanted)
        return _answer_file(job, body, "events" if wanted.stream else wanted.response_format)

    @router.delete("/v1/jobs/{job_id}", summary="Cancel a job, or forget one that is finished.")
    async def delete_job(job_id: str) -> dict[str, Any]:
        job = board.find(job_id)
        was_finished = job.is_finished
        await board.remove(job)
        return {"id": job.id, "object": "transcription.job", "deleted": was_finished, "status": job.state}

    @router.get("/metrics", summary="Figures for Prometheus.", response_class=Response)
    async def metrics() -> Response:
        return Response(service.metrics.write(), media_type=CONTENT_TYPE)

    return router


async def _answer_request(service: Service, request: Request, path: str) -> Response:
    """Receive a request with a recording, and answer with its transcript or with a stream of events."""
    try:
        wanted, upload = await service.receive(request, path)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    try:
        job = await service.accept(wanted, upload, STREAM if wanted.stream else CONNECTION)
        if wanted.stream:
            events = service.stream(job, wanted, upload)
            headers = {**EVENT_HEADERS, JOB_HEADER: job.id}
            return StreamingResponse(events, media_type="text/event-stream", headers=headers)
        job, body = await service.fulfil(job, wanted, upload)
    except BaseException:
        upload.discard()
        raise
    upload.discard()
    return _answer_file(job, body, wanted.response_format)


def _answer_file(job: Job, body: Path, format: str) -> Response:
    kind = "text/event-stream" if format == "events" else media_type(format)
    headers = {JOB_HEADER: job.id, STATUS_HEADER: str((job.result or {}).get("status"))}
    return FileResponse(
        body, media_type=kind, headers=headers, background=BackgroundTask(body.unlink, missing_ok=True)
    )
