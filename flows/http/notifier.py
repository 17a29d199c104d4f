"""Send the webhooks of finished jobs, while the server goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from flows.http.jobs import Job
from flows.http.metrics import ServerMetrics
from flows.http.webhooks import deliver


class Notifier:
    """Sends webhooks, each by a task of its own; all methods belong to one event loop."""

    def __init__(
        self,
        secret: str,
        allowed: Collection[str],
        metrics: ServerMetrics,
        describe: Callable[[Job], dict[str, Any]],
        save: Callable[[Job], None],
    ) -> None:
        """`secret`: by which messages are signed; `allowed`: private hosts that may be told; `describe`: a job as its
        callers see it; `save`: keep a job whose webhook is settled."""
        self._secret, self._allowed, self._metrics = secret, allowed, metrics
        self._describe, self._save = describe, save
        self._sending: dict[tuple[str, str], asyncio.Task[None]] = {}
        """By (id of the job, URL)."""

    def notify(self, job: Job) -> None:
        """Begin to send the webhooks of a finished job that are not settled."""
        if job.state not in ("completed", "failed"):
            return
        for url, settled in job.webhooks.items():
            if not settled and (job.id, url) not in self._sending:
                self._sending[job.id, url] = asyncio.create_task(self._send(job, url))

    async def close(self) -> None:
        """Stop sending; what is not settled is sent by the next server."""
        sending = list(self._sending.values())
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    async def _send(self, job: Job, url: str) -> None:
        await deliver(
            url,
            f"transcription.job.{job.state}",
            self._describe(job),
            secret=self._secret,
            allowed=self._allowed,
            count=lambda result: self._metrics.webhooks.labels(result).inc(),
        )
        del self._sending[job.id, url]
        job.webhooks[url] = True
        self._save(job)
