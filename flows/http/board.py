"""The board of jobs: takes them in, has them worked on in the order of `queue`, tells who waits for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.http.errors import ApiError, error_body
from flows.http.jobs import Job, JobFolder, describe_job
from flows.http.metrics import ServerMetrics
from flows.http.queue import choose_next, count_ahead, estimate_retry_s
from flows.http.shapes import Shape
from flows.http.webhooks import deliver
from flows.http.worker import Worker, WorkerDied
from tasks.settings.schema import ServeSettings

log = logging.getLogger("daylong.serve")

ATTEMPTS = 3
"""So often is a job tried where the process that works on it dies."""
SWEEP_S = 30.0
IDLE_S = 900.0
"""Seconds without a request after which the worker's process, and with it the engines, are ended."""


class Board:
    """The jobs of one server. All methods belong to its event loop."""

    def __init__(
        self, settings: ServeSettings, folder: JobFolder, worker: Worker, metrics: ServerMetrics, secret: str
    ) -> None:
        self._settings, self._folder, self.worker, self._metrics = settings, folder, worker, metrics
        self._secret = secret
        self._jobs: dict[str, Job] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._others: set[asyncio.Task[Any]] = set()
        self._sending: set[tuple[str, str]] = set()
        self._recent_s: deque[float] = deque(maxlen=20)
        self._closing = False
        metrics.observe(
            lambda lane: sum(job.is_long == (lane == "long") for job in self.waiting),
            lambda lane: sum(job.is_long == (lane == "long") for job in self.running),
            lambda: worker.is_up,
        )

    @property
    def waiting(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.state == "queued"]

    @property
    def running(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.state == "running"]

    def resume(self) -> None:
        """Take up the jobs of an earlier server: those it had not finished wait again, webhooks not sent are sent."""
        for job in self._folder.load():
            self._jobs[job.id], self._ended[job.id] = job, asyncio.Event()
            if job.is_finished:
                self._ended[job.id].set()
                self._notify(job)
            else:
                job.state = "queued"
        self._keep(asyncio.create_task(self._sweep()))
        self.pump()

    async def close(self) -> None:
        """End the work; what is not finished is taken up by the next server."""
        self._closing = True
        for task in [*self._tasks.values(), *self._others]:
            task.cancel()
        await asyncio.gather(*self._tasks.values(), *self._others, return_exceptions=True)
        await self.worker.stop()

    def check_room(self) -> None:
        """Raise ApiError (429) where the queue is full, with the time after which to ask again."""
        if len(self.waiting) >= self._settings.max_waiting:
            retry_s = estimate_retry_s(list(self._recent_s), len(self.waiting), self._settings.at_once)
            raise ApiError(
                429,
                f"{len(self.waiting)} recordings wait already. Try again in {retry_s} s.",
                code="queue_full",
                headers={"Retry-After": str(retry_s)},
            )

    def find(self, job_id: str) -> Job:
        """Find a job. Raises ApiError (404)."""
        if (job := self._jobs.get(job_id)) is None:
            raise ApiError(404, "There is no job of this id.", code="job_not_found")
        return job

    def describe(self, job: Job) -> dict[str, Any]:
        """Describe a job for its callers."""
        return describe_job(job, count_ahead(job, self.waiting))

    def join(self, job_id: str, urgency: int, webhook: str | None = None) -> Job | None:
        """Join the job of this content, if it waits, is worked on or is completed; it becomes as urgent as asked."""
        job = self._jobs.get(job_id)
        if job is None or job.state in ("failed", "cancelled"):
            return None
        self._metrics.joined.inc()
        job.urgency = min(job.urgency, urgency)
        if webhook and webhook not in job.webhooks:
            job.webhooks[webhook] = False
        self._folder.save(job)
        self._notify(job)
        return job

    def add(self, job: Job, files: dict[Path, str]) -> Job:
        """Add a job; `files` are moved into its folder. Raises ApiError (429) where the queue is full."""
        self.check_room()
        self._folder.adopt(job, files)
        self._jobs[job.id], self._ended[job.id] = job, asyncio.Event()
        self.pump()
        return job

    async def wait(self, job: Job) -> None:
        """Wait for a job's end. Raises ApiError where it failed or was cancelled."""
        await self._ended[job.id].wait()
        if job.state == "cancelled":
            raise ApiError(409, "The job was cancelled.", code="cancelled")
        if job.error is not None:
            raise ApiError(**{name: job.error[name] for name in ("status", "message", "param", "code")})

    def is_ended(self, job: Job) -> bool:
        return self._ended[job.id].is_set()

    async def render(self, job: Job, wanted: Shape, target: Path, after_s: float | None = None) -> None:
        """Write the body of a completed job into a file. `after_s`: text of a stream that ends before has been sent.

        Raises ApiError (410) where its tables are of another run by now.
        """
        answer = await self._ask_twice(
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

    async def check(self) -> dict[str, Any]:
        """Check the server's settings; `models` names those that are ready. Raises ApiError."""
        return await self._ask_twice("check", parameters={})

    async def look(self, source: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Look at a recording: `duration_s` and `sha256`. Raises ApiError where it is none."""
        return await self._ask_twice("look", source=source, parameters=parameters)

    async def measure_object(self, url: str) -> int:
        """Bytes of an object in a bucket. Raises ApiError where there is none."""
        return int((await self._ask_twice("measure_object", url=url))["size_bytes"])

    async def fetch_object(self, url: str, target: Path, most_bytes: int) -> str:
        """Copy an object of at most so many bytes into a file; return its SHA-256. Raises ApiError."""
        found = await self._ask_twice("fetch_object", url=url, target=str(target), most_bytes=most_bytes)
        return str(found["sha256"])

    async def _ask_twice(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Ask the worker; once more where it died, which another job may have caused."""
        for _ in range(2):
            with suppress(WorkerDied):
                return await self.worker.request(operation, **arguments)
        raise ApiError(503, "The process that works on recordings ended twice; the server's log says more.")

    async def remove(self, job: Job) -> None:
        """Cancel a job that is not finished, forget one that is.

        Work under way ends with its process; what else ran there goes on in a new one, from its finished steps.
        """
        if job.state == "running":
            job.state = "cancelled"
            for other in self.running:
                other.attempts -= 1  # it ends by no fault of its own
            await self.worker.stop()
        if not job.is_finished or job.state == "cancelled":
            self._end(job, "cancelled")
            return
        self.forget(job)

    def forget(self, job: Job) -> None:
        """Forget a finished job, so that its content may be processed again."""
        self._jobs.pop(job.id, None)
        self._ended.pop(job.id, None)
        self._folder.remove(job)

    def pump(self) -> None:
        """Begin what may begin now."""
        while not self._closing and (job := choose_next(self.waiting, self.running, self._settings.at_once)):
            job.state, job.started_at = "running", time.time()
            self._metrics.waited.labels("long" if job.is_long else "short").observe(job.waited_s)
            self._tasks[job.id] = asyncio.create_task(self._work(job))

    async def _work(self, job: Job) -> None:
        began = time.monotonic()
        try:
            job.attempts += 1
            job.final.clear()
            self._folder.save(job)
            job.result = await self.worker.request(
                "run", lambda state: self._note(job, state), source=job.source, parameters=job.parameters
            )
        except WorkerDied:
            if job.state == "cancelled":
                return
            if job.attempts < ATTEMPTS:
                job.state = "queued"
            else:
                self._fail(job, ApiError(503, f"The process that works on recordings ended {ATTEMPTS} times."))
        except ApiError as error:
            self._fail(job, error)
        except OSError as error:
            self._fail(job, ApiError(503, f"The server can't write its files: {error.strerror}."))
        else:
            if job.state != "cancelled":
                self._complete(job, time.monotonic() - began)
        finally:
            self._tasks.pop(job.id, None)
            if not self._closing:
                self.pump()

    def _note(self, job: Job, state: dict[str, Any]) -> None:
        """Note what the run of a job reports: text that is final, or how far it is."""
        if (final := state.get("final")) is None:
            job.progress.update(state)
            return
        job.final.append(final["text"])
        job.final_until_s = final["until_s"]

    def _complete(self, job: Job, took_s: float) -> None:
        self._recent_s.append(took_s)
        recorded_s = float((job.result or {}).get("duration_s", 0.0))
        self._metrics.recorded.inc(recorded_s)
        self._metrics.worked.inc(took_s)
        self._metrics.speed.set(recorded_s / took_s if took_s else 0.0)
        self._end(job, "completed")

    def _fail(self, job: Job, error: ApiError) -> None:
        body = error_body(error.status, error.message, error.param, error.code)["error"]
        job.error = {"status": error.status, **body}
        self._end(job, "failed")

    def _end(self, job: Job, state: str) -> None:
        job.state, job.finished_at = state, time.time()  # type: ignore[assignment]
        job.final.clear()
        self._metrics.jobs.labels(state).inc()
        with suppress(OSError):  # it is ended all the same; the next server would do it again
            if job.uploaded:
                Path(job.source).unlink(missing_ok=True)
            self._folder.save(job)
        self._ended[job.id].set()
        self._notify(job)
        self.pump()

    def _notify(self, job: Job) -> None:
        """Send the webhooks of a finished job that are not settled."""
        if job.state not in ("completed", "failed"):
            return
        for url, settled in job.webhooks.items():
            if not settled and (job.id, url) not in self._sending:
                self._sending.add((job.id, url))
                self._keep(asyncio.create_task(self._send(job, url)))

    async def _send(self, job: Job, url: str) -> None:
        await deliver(
            url,
            f"transcription.job.{job.state}",
            self.describe(job),
            secret=self._secret,
            allowed=self._settings.webhook_hosts or (),
            count=lambda result: self._metrics.webhooks.labels(result).inc(),
        )
        self._sending.discard((job.id, url))
        job.webhooks[url] = True
        if job.id in self._jobs:
            self._folder.save(job)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    async def _sweep(self, every_s: float = SWEEP_S, now: Callable[[], float] = time.time) -> None:
        """Forget old jobs, and end an idle worker."""
        while True:
            await asyncio.sleep(every_s)
            oldest = now() - 3600 * self._settings.keep_hours
            for job in [j for j in self._jobs.values() if j.is_finished and (j.finished_at or 0) < oldest]:
                self.forget(job)
            if self.worker.is_up and self.worker.is_idle and time.monotonic() - self.worker.last_used > IDLE_S:
                await self.worker.stop()
