"""Turn a received form, or a path on this machine, into a job: its settings, its length, its known speakers."""

from __future__ import annotations

import hashlib
import os
import stat
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from flows.http.board import Board
from flows.http.errors import ApiError, refuse
from flows.http.form import SPEAKERS, Transcription
from flows.http.jobs import Job, JobFolder, KnownSpeaker, make_job_id
from flows.http.models import choose_model
from flows.http.queries import WorkerQueries
from flows.http.uploads import Upload, decode_data_url
from flows.http.worker_errors import find_field
from tasks.engines import registry
from tasks.errors import UsageError
from tasks.settings.load import as_parameters, load, merged
from tasks.settings.schema import FAST, ServeSettings, Settings

RECORDING = "recording"
"""Folder within a job's that the recording lies in by itself: its name is the client's to choose."""
KNOWN = "known"
"""Folder of the known speakers' voices."""


def build_parameters(wanted: Transcription, ready: Collection[str]) -> dict[str, Any]:
    """Build the settings that a request's fields stand for. `ready`: models that are here. Raises ApiError (404)."""
    several = len(wanted.languages) > 1
    given = {
        "language": wanted.languages[0] if wanted.languages and not several else None,
        "languages": list(wanted.languages) if several else None,
        "initial_prompt": wanted.prompt,
        "hotwords": ", ".join(wanted.keywords) or None,
        "into_english": wanted.into_english or None,
        "aligner": FAST if wanted.into_english else None,  # others place words that are spoken
    }
    groups = {
        "transcription": given,
        "diarization": dict(zip(SPEAKERS, wanted.speakers, strict=True)),
        "audio": {"recorded_at": wanted.recorded_at},
    }
    return merged(choose_model(wanted.model, ready), as_parameters(groups))


def check_translates(settings: Settings) -> None:
    """Check that the recogniser of the settings can write English. Raises ApiError (400), naming those that can."""
    name = settings.transcription.engine
    if registry.find("transcription", name).capabilities.translates:
        return
    able = [spec.name for spec in registry.list_specs("transcription") if spec.capabilities.translates]
    raise ApiError(
        400,
        f"The recogniser here, {name}, does not translate into English; {', '.join(able)} do. "
        "POST /v1/audio/transcriptions writes what is said.",
        code="translation_not_supported",
    )


def load_settings(parameters: dict[str, Any]) -> Settings:
    """Load the settings of a request over the server's. Raises ApiError (400), naming the field."""
    try:
        return load(parameters)
    except UsageError as error:
        message = "; ".join(str(error).splitlines())
        raise refuse(message, find_field(error, message)) from None


def check_path(path: str, roots: Sequence[str]) -> Path:
    """Resolve the path of a recording below one of the roots. Raises ApiError (403), the same whatever it is that a
    path outside of them leads to."""
    refused = ApiError(403, "No recording below the folders that serve.roots names.", param="path")
    if "\0" in path or not os.path.isabs(path):
        raise refused
    resolved = Path(os.path.realpath(path))
    inside = any(resolved.is_relative_to(os.path.realpath(os.path.expanduser(root))) for root in roots)
    try:
        if not inside or not stat.S_ISREG(resolved.stat().st_mode):
            raise refused
    except OSError:
        raise refused from None
    return resolved


async def accept(
    wanted: Transcription,
    upload: Upload,
    *,
    urgency: int,
    serving: ServeSettings,
    ready: Collection[str],
    board: Board,
    queries: WorkerQueries,
    folder: JobFolder,
) -> Job:
    """Join the job of this content, or add one; what is received is moved to it or removed. Raises ApiError."""
    if wanted.into_english:
        check_translates(load_settings(build_parameters(replace(wanted, into_english=False), ready)))
    parameters = build_parameters(wanted, ready)
    settings = load_settings(parameters)
    references = _read_references(wanted)
    if wanted.path is not None and upload.file is None:
        source = check_path(wanted.path, serving.roots or ())
        found = await queries.look(str(source), parameters)
        sha256, name = str(found["sha256"]), source.name
    elif upload.file is not None:
        source, sha256, name, found = upload.file, upload.sha256, upload.file.name, None
    else:
        raise refuse("The form has no file.", "file")
    digests = {name: None if data is None else hashlib.sha256(data).hexdigest() for name, data in references.items()}
    job_id = make_job_id(sha256, name, settings.digest(), digests)
    if (job := board.join(job_id, urgency, wanted.webhook_url)) is not None:
        return job
    board.check_room()
    found = found or await queries.look(str(source), parameters)
    if (job := board.join(job_id, urgency, wanted.webhook_url)) is not None:  # it came meanwhile
        return job
    files: dict[Path, str] = {}
    known = []
    upload.folder.mkdir(parents=True, exist_ok=True)
    for number, (speaker, data) in enumerate(references.items()):
        if data is not None:
            file = upload.folder / f"{uuid.uuid4().hex}.{number}"
            file.write_bytes(data)
            files[file] = f"{KNOWN}/{number}"
        place = folder.locate(job_id) / KNOWN / str(number)
        known.append(KnownSpeaker(speaker, None if data is None else str(place)))
    if upload.file is not None:
        files[upload.file] = f"{RECORDING}/{name}"
        source = folder.locate(job_id) / RECORDING / name
    duration_s = float(found["duration_s"])
    return board.add(
        Job(
            id=job_id,
            source=str(source),
            source_name=name,
            sha256=sha256,
            parameters=parameters,
            digest=settings.digest(),
            known=known,
            uploaded=upload.file is not None,
            urgency=urgency,
            created_at=time.time(),
            duration_s=duration_s,
            is_long=duration_s > 60 * serving.short_minutes,
            webhooks={wanted.webhook_url: False} if wanted.webhook_url else {},
        ),
        files,
    )


def _read_references(wanted: Transcription) -> dict[str, bytes | None]:
    """Decode the sounds of the known speakers, by name; None for those whom the registry of voices is to know."""
    return {
        name: decode_data_url(url, "known_speaker_references") if url else None
        for name, url in zip_longest(wanted.known_names, wanted.known_references)
    }
