"""Webhooks of finished jobs: which are sent, how often, and what is kept of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows.http import notifier
from flows.http.jobs import Job, State
from flows.http.metrics import ServerMetrics
from flows.http.notifier import Notifier

URL, OTHER = "https://example.org/a", "https://example.org/b"


def make_job(state: State) -> Job:
    return Job("job_1", "/day.wav", "day.wav", "0a", {}, "d", state=state, webhooks={URL: False, OTHER: True})


class Mail:
    """What is sent, and which jobs are kept; nothing arrives before `arrive` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[str, str]] = []
        self.kept: list[dict[str, bool]] = []
        self.arrive = asyncio.Event()

        async def deliver(url: str, event: str, _data: dict[str, Any], **_: object) -> bool:
            self.sent.append((url, event))
            await self.arrive.wait()
            return True

        monkeypatch.setattr(notifier, "deliver", deliver)
        self.notifier = Notifier("whsec_eA==", (), ServerMetrics(), lambda job: {"id": job.id}, self.keep)

    def keep(self, job: Job) -> None:
        self.kept.append(dict(job.webhooks))


def test_what_is_not_settled_is_sent_once_at_a_time_and_then_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        mail, job = Mail(monkeypatch), make_job("completed")
        for _ in range(2):
            mail.notifier.notify(job)
            await asyncio.sleep(0)
        assert mail.sent == [(URL, "transcription.job.completed")]
        mail.arrive.set()
        while not mail.kept:
            await asyncio.sleep(0)
        assert mail.kept == [{URL: True, OTHER: True}]
        mail.notifier.notify(job)
        await mail.notifier.close()
        assert len(mail.sent) == 1

    asyncio.run(test())


def test_a_server_that_ends_leaves_what_has_not_arrived_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        mail, job = Mail(monkeypatch), make_job("failed")
        mail.notifier.notify(job)
        await asyncio.sleep(0)
        await mail.notifier.close()
        assert mail.sent == [(URL, "transcription.job.failed")]
        assert (mail.kept, job.webhooks[URL]) == ([], False)

    asyncio.run(test())


@pytest.mark.parametrize("state", ["queued", "running", "cancelled"])
def test_jobs_that_have_no_outcome_are_not_told(monkeypatch: pytest.MonkeyPatch, state: State) -> None:
    async def test() -> None:
        mail = Mail(monkeypatch)
        mail.notifier.notify(make_job(state))
        await asyncio.sleep(0)
        assert mail.sent == []

    asyncio.run(test())
