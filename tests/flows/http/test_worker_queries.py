"""What is asked of the worker beside runs: once more where it died, and no third time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.http.errors import ApiError
from flows.http.jobs import Job
from flows.http.queries import WorkerQueries
from flows.http.shapes import Shape
from flows.http.worker import WorkerDied


class Worker:
    """Gives these answers in turn; None: it dies."""

    def __init__(self, *answers: dict[str, Any] | None) -> None:
        self.answers = list(answers)

    async def request(self, _operation: str, **_: object) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if answer is None:
            raise WorkerDied
        return answer


def make_queries(*answers: dict[str, Any] | None) -> WorkerQueries:
    return WorkerQueries(Worker(*answers))  # type: ignore[arg-type]


def test_a_worker_that_died_is_asked_once_more() -> None:
    queries = make_queries(None, {"size_bytes": 7}, {"models": ["demo", "light"]})
    assert asyncio.run(queries.measure_object("s3://bucket/day.wav")) == 7
    assert asyncio.run(queries.check()) == ("demo", "light")


def test_a_worker_that_dies_twice_is_an_error_of_the_server() -> None:
    with pytest.raises(ApiError, match="ended twice") as caught:
        asyncio.run(make_queries(None, None).look("/day.wav", {}))
    assert caught.value.status == 503


def test_a_result_of_another_run_is_gone(tmp_path: Path) -> None:
    job = Job("job_1", "/day.wav", "day.wav", "0a", {}, "d")
    queries = make_queries({"replaced": False}, {"replaced": True})
    asyncio.run(queries.render(job, Shape("json"), tmp_path / "body"))
    with pytest.raises(ApiError) as caught:
        asyncio.run(queries.render(job, Shape("json"), tmp_path / "body"))
    assert (caught.value.status, caught.value.code) == (410, "result_replaced")
