"""The board of jobs: takes them in, has them worked on in the order of `queue`, tells who waits for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.http.errors import ApiError, error_body
from flows.http.jobs import Job, JobFolder, describe_job
from flows.http.metrics import ServerMetrics
from flows.http.notifier import Notifier
from flows.http.queue import choose_next, count_ahead, estimate_retry_s
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
        """`secret`: by which webhooks are signed."""
        self._settings, self._folder, self._worker, self._metrics = settings, folder, worker, metrics
        self._jobs: dict[str, Job] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sweeper: asyncio.Task[None] | None = None
        hosts = settings.webhook_hosts or ()
        self._notifier = Notifier(secret, hosts, metrics, self.describe, self._save)
        self._recent_s: deque[float] = deque(maxlen=20)
        self._closing = False
        metrics.observe(
            lambda lane: sum(job.lane == lane for job in self.waiting),
            lambda lane: sum(job.lane == lane for job in self.running),
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
                self._notifier.notify(job)
            else:
                job.state = "queued"
        self._sweeper = asyncio.create_task(self._sweep())
        self.pump()

    async def close(self) -> None:
        """End the work; what is not finished is taken up by the next server."""
        self._closing = True
        tasks = [*self._tasks.values(), *filter(None, [self._sweeper])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._notifier.close()
        await self._worker.stop()

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
        self._notifier.notify(job)
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

    async def remove(self, job: Job) -> None:
        """Cancel a job that is not finished, forget one that is.

        Work under way ends with its process; what else ran there goes on in a new one, from its finished steps.
        """
        if job.state == "running":
            job.state = "cancelled"
            for other in self.running:
                other.attempts -= 1  # it ends by no fault of its own
            await self._worker.stop()
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
            self._metrics.waited.labels(job.lane).observe(job.waited_s)
            self._tasks[job.id] = asyncio.create_task(self._work(job))

    async def _work(self, job: Job) -> None:
        began = time.monotonic()
        try:
            job.attempts += 1
            job.final.clear()
            self._folder.save(job)
            job.result = await self._worker.request(
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
        self._metrics.count_work(recorded_s, took_s)
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
        self._notifier.notify(job)
        self.pump()

    def _save(self, job: Job) -> None:
        if job.id in self._jobs:  # else it was forgotten meanwhile
            self._folder.save(job)

    async def _sweep(self, every_s: float = SWEEP_S, now: Callable[[], float] = time.time) -> None:
        """Forget old jobs, and end an idle worker."""
        while True:
            await asyncio.sleep(every_s)
            oldest = now() - 3600 * self._settings.keep_hours
            for job in [j for j in self._jobs.values() if j.is_finished and (j.finished_at or 0) < oldest]:
                self.forget(job)
            if self._worker.is_up and self._worker.is_idle and time.monotonic() - self._worker.last_used > IDLE_S:
                await self._worker.stop()
