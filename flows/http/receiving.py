"""Receive a request with a recording: its form onto the disk, its fields checked, nothing of it worked on yet."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from starlette.requests import Request

from flows.http.errors import ApiError, refuse
from flows.http.fields import fields_of_json, fields_of_urlencoded
from flows.http.form import Transcription, read_transcription
from flows.http.uploads import Room, Upload, receive
from flows.http.webhooks import check_url
from tasks.settings.schema import ServeSettings

MAX_JSON_BYTES = 16_000_000
DRAIN_BYTES = 64_000_000
"""Of a refused request's body: a client that is still sending would lose the answer."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the path of a request says of it."""

    job: bool = False
    """Whether it may be of `BODIES`, and have a path and a webhook."""
    into_english: bool = False


BODIES = {"application/json": fields_of_json, "application/x-www-form-urlencoded": fields_of_urlencoded}
"""Content types of forms without a file, and what reads their fields."""
TRANSCRIPTIONS, TRANSLATIONS, JOBS = "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/jobs"
KINDS = {TRANSCRIPTIONS: Kind(), TRANSLATIONS: Kind(into_english=True), JOBS: Kind(job=True)}
"""Path -> the kind of what is sent there by POST."""


async def receive_request(
    request: Request, kind: Kind, room: Room, settings: ServeSettings
) -> tuple[Transcription, Upload]:
    """Receive a request's form; a job's may be of `BODIES`. Raises ApiError; nothing is left on the disk then."""
    length = request.headers.get("content-length", "")
    content_type = request.headers.get("content-type", "")
    async with room.reserve(int(length) if length.isdecimal() and len(length) < 20 else None) as take:
        read = BODIES.get(content_type.partition(";")[0].strip().lower()) if kind.job else None
        if read is not None:
            upload = Upload(room.folder / uuid.uuid4().hex, read(await _read_body(request)))
        else:
            upload = await receive(request.stream(), content_type, room.folder, take)
    try:
        wanted = read_transcription(upload.fields, job=kind.job, into_english=kind.into_english)
        if wanted.webhook_url:
            check_url(wanted.webhook_url, settings.webhook_hosts or ())
        if upload.file is not None and not upload.size_bytes:
            raise refuse("The file is empty.", "file")
    except BaseException:
        upload.discard()
        raise
    return wanted, upload


async def drain(request: Request) -> None:
    """Read what is left of a body, up to `DRAIN_BYTES`."""
    read = 0
    async for piece in request.stream():
        read += len(piece)
        if read > DRAIN_BYTES:
            return


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_JSON_BYTES:
            raise ApiError(413, f"The body has more than {MAX_JSON_BYTES // 10**6} MB.")
    return bytes(body)
