"""What the server asks of the worker's process beside runs: to look at recordings, fetch objects, write answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.http.errors import ApiError
from flows.http.jobs import Job
from flows.http.shapes import Shape
from flows.http.worker import Worker, WorkerDied


class WorkerQueries:
    """Asks the worker; once more where it died, which another job may have caused. All methods raise ApiError."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def render(self, job: Job, wanted: Shape, target: Path, after_s: float | None = None) -> None:
        """Write the body of a completed job into a file. `after_s`: text of a stream that ends before has been sent.

        Raises ApiError (410) where the recording's tables are of another run by now.
        """
        answer = await self._ask(
            "render",
            source=job.source,
            parameters=job.parameters,
            result=job.result,
            digest=job.digest,
            known=[asdict(each) for each in job.known],
            shape_=asdict(wanted),
            after_s=after_s,
            target=str(target),
        )
        if answer["replaced"]:
            raise ApiError(
                410,
                "The recording has been processed again with other settings, or removed. Send it once more.",
                code="result_replaced",
            )

    async def check(self) -> tuple[str, ...]:
        """Check the server's settings; return the models that are ready."""
        return tuple((await self._ask("check", parameters={}))["models"])

    async def look(self, source: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Look at a recording: `duration_s` and `sha256`."""
        return await self._ask("look", source=source, parameters=parameters)

    async def measure_object(self, url: str) -> int:
        """Measure the bytes of an object in a bucket."""
        return int((await self._ask("measure_object", url=url))["size_bytes"])

    async def fetch_object(self, url: str, target: Path, most_bytes: int) -> str:
        """Copy an object of at most so many bytes into a file; return its SHA-256."""
        found = await self._ask("fetch_object", url=url, target=str(target), most_bytes=most_bytes)
        return str(found["sha256"])

    async def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        for _ in range(2):
            with suppress(WorkerDied):
                return await self._worker.request(operation, **arguments)
        raise ApiError(503, "The process that works on recordings ended twice; the server's log says more.")
