"""What a front hands to the process that has the board: a form that it has received, or the error to answer with.

The board's process answers both, so that its counts, headers and errors are the same whoever received the request.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.requests import Request

from flows.http.errors import ApiError, refuse
from flows.http.form import Transcription, read_transcription
from flows.http.receiving import Kind
from flows.http.uploads import Room, Upload
from tasks.settings.schema import ServeSettings


def hand_over(upload: Upload) -> bytes:
    """Describe a received form. Its folder is named from the folder of all uploads on, which the front's lies in."""
    folder = upload.folder.parent.name + "/" + upload.folder.name
    held = {**asdict(upload), "folder": folder, "file": None if upload.file is None else upload.file.name}
    return json.dumps({"upload": held}).encode()


def hand_over_error(error: ApiError) -> bytes:
    """Describe what a request is refused with."""
    named = {name: getattr(error, name) for name in ("status", "message", "param", "code", "headers")}
    return json.dumps({"error": named}).encode()


async def take_over(
    request: Request, kind: Kind, room: Room, _settings: ServeSettings
) -> tuple[Transcription, Upload]:
    """Take over what a front has received: its folder becomes one of this process's own. Raises ApiError: what the
    front says, and 503 where the front has ended meanwhile and its uploads are removed."""
    held: dict[str, Any] = json.loads(await request.body() or b"{}")
    if "error" in held:
        raise ApiError(**held["error"])
    if "upload" not in held:
        raise refuse("The form is missing.")
    given = held["upload"]
    folder = room.folder / uuid.uuid4().hex
    if given["file"] is not None:
        try:
            os.rename(room.folder / given["folder"], folder)
        except OSError:
            raise ApiError(503, "The upload was lost with the process that received it. Send it again.") from None
    upload = Upload(
        folder,
        [(name, value) for name, value in given["fields"]],
        None if given["file"] is None else folder / Path(given["file"]).name,
        given["sha256"],
        given["size_bytes"],
    )
    return read_transcription(upload.fields, job=kind.job, into_english=kind.into_english), upload
