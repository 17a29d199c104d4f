"""What the routes work with: the board of jobs, the room for uploads, the models that are ready."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from starlette.requests import Request

from flows.http.board import Board
from flows.http.errors import ApiError
from flows.http.events import HEARTBEAT, format_delta, format_error
from flows.http.form import Transcription
from flows.http.intake import accept
from flows.http.jobs import Job, JobFolder
from flows.http.metrics import ServerMetrics
from flows.http.models import ALIASES
from flows.http.objects import SCHEME, check_object
from flows.http.queries import WorkerQueries
from flows.http.receiving import KINDS, Kind, receive_request
from flows.http.shapes import Shape
from flows.http.uploads import Room, Upload
from tasks.settings.schema import ServeSettings

HEARTBEAT_S = 10.0
LOOK_S = 0.5
"""Between two looks for text that has become final."""
MODELS_AGE_S = 300.0

ReceiveRequest = Callable[[Request, Kind, Room, ServeSettings], Awaitable[tuple[Transcription, Upload]]]


class Service:
    """One server's state."""

    def __init__(
        self,
        board: Board,
        queries: WorkerQueries,
        room: Room,
        jobs: JobFolder,
        metrics: ServerMetrics,
        settings: ServeSettings,
        models: tuple[str, ...],
        receive: ReceiveRequest = receive_request,
    ) -> None:
        """`receive`: how requests with recordings come, from clients or from fronts."""
        self._receive = receive
        self._queries = queries
        self.board, self.room, self.jobs, self.metrics, self.settings = board, room, jobs, metrics, settings
        self._models, self._models_at = models, time.monotonic()

    async def list_models(self, wanted: str | None = None) -> tuple[str, ...]:
        """List the models that are ready; looked at again after a while, and where a wanted one is not among them."""
        known = wanted is None or wanted in ALIASES or wanted in self._models
        if not known or time.monotonic() - self._models_at > MODELS_AGE_S:
            with suppress(ApiError):
                self._models = await self._queries.check()
                self._models_at = time.monotonic()
        return self._models

    async def receive(self, request: Request, path: str) -> tuple[Transcription, Upload]:
        """Receive a request with a recording that came to a path of `KINDS`. Raises ApiError; nothing is left on the
        disk then."""
        wanted, upload = await self._receive(request, KINDS[path], self.room, self.settings)
        try:
            if upload.file is None and wanted.path is not None and wanted.path.startswith(SCHEME):
                await self._fetch(wanted.path, upload)
        except BaseException:
            upload.discard()
            raise
        return wanted, upload

    async def _fetch(self, url: str, upload: Upload) -> None:
        """Fetch an object in a bucket, as if it were what a form brought."""
        name = check_object(url, self.settings.roots or ())
        self.board.check_room()
        size = await self._queries.measure_object(url)
        async with self.room.reserve(size):
            upload.folder.mkdir(parents=True, exist_ok=True)
            file = upload.folder / name
            upload.sha256 = await self._queries.fetch_object(url, file, size)
        upload.file, upload.size_bytes = file, size

    async def accept(self, wanted: Transcription, upload: Upload, urgency: int) -> Job:
        """Join or add the job of a received request."""
        models = await self.list_models(wanted.model)
        return await accept(
            wanted,
            upload,
            urgency=urgency,
            serving=self.settings,
            ready=models,
            board=self.board,
            queries=self._queries,
            folder=self.jobs,
        )

    async def fulfil(
        self, job: Job, wanted: Transcription, upload: Upload, sent: Callable[[], float | None] = lambda: None
    ) -> tuple[Job, Path]:
        """Wait for a request's job and write its body into a file, which the caller removes. Raises ApiError.

        Where the tables of a job that was done before are of another run by now, it is done again. `sent`: until
        which time of the recording a stream has sent text meanwhile.
        """
        if not job.is_finished:
            upload.discard()  # what was received is the job's, or it has the same already
        await self.board.wait(job)
        try:
            return job, await self.write_body(job, wanted, sent())
        except ApiError as error:
            if error.status != 410 or upload.file is None or not upload.file.exists():
                raise
        self.board.forget(job)
        job = await self.accept(wanted, upload, job.urgency)
        await self.board.wait(job)
        return job, await self.write_body(job, wanted, sent())

    async def write_body(self, job: Job, wanted: Transcription, after_s: float | None = None) -> Path:
        """Write the wanted body of a completed job into a new file. Raises ApiError."""
        format = wanted.response_format
        if wanted.stream:
            format = "events_diarized" if format == "diarized_json" else "events"
        target = self.room.folder / f"{uuid.uuid4().hex}.body"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            await self._queries.render(job, Shape(format, wanted.granularities, wanted.logprobs), target, after_s)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return target

    async def stream(self, job: Job, wanted: Transcription, upload: Upload) -> AsyncIterator[bytes]:
        """Yield the events of a request, a heartbeat while it waits and is worked on; an error is an event, too."""
        reader = _FinalText(job)
        work = asyncio.create_task(self.fulfil(job, wanted, upload, lambda: reader.until_s))

        def clean_up(done: asyncio.Task[tuple[Job, Path]]) -> None:
            upload.discard()
            if not done.cancelled() and done.exception() is None:
                done.result()[1].unlink(missing_ok=True)

        try:
            beat = 0.0
            while not work.done():
                if (text := reader.read()) is not None:
                    yield format_delta(text).encode()
                elif time.monotonic() - beat >= HEARTBEAT_S:
                    beat = time.monotonic()
                    yield HEARTBEAT.encode()
                await asyncio.wait({work}, timeout=LOOK_S)
            try:
                _, body = work.result()
            except ApiError as error:
                yield format_error(error.body()).encode()
                return
            with body.open("rb") as file:
                while piece := file.read(2**16):
                    yield piece
        finally:  # also where nobody reads any more: the work goes on
            work.add_done_callback(clean_up)


class _FinalText:
    """Reads the text of a job as it becomes final."""

    def __init__(self, job: Job) -> None:
        self._job, self._read = job, 0
        self.until_s: float | None = None
        """Until which time of the recording text has been read."""

    def read(self) -> str | None:
        """Read the text that is new; None where none is. It goes on where the last one ended."""
        pieces = self._job.final[self._read :]
        if not pieces or self._job.is_finished:
            return None
        text = "".join(pieces) if self._read else "".join(pieces).lstrip(" ")
        self._read += len(pieces)
        self.until_s = self._job.final_until_s
        return text
