"""The benchmark of the server waits for no job for ever."""

from __future__ import annotations

import httpx
import pytest

from tests.benchmarks.serve import finish, wait_for_end


def make_client(*statuses: str) -> httpx.Client:
    """A server that tells these statuses of a job in turn, the last one for ever."""
    left = list(statuses)

    def answer(_: httpx.Request) -> httpx.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(200, json={"status": status, "result": {"wall_s": 3.5}})

    return httpx.Client(base_url="http://server", transport=httpx.MockTransport(answer))


def test_a_job_that_ends_is_waited_for() -> None:
    assert finish(make_client("queued", "completed"), "job-1") == 3.5


def test_a_job_that_stays_is_given_up_with_its_status() -> None:
    with pytest.raises(SystemExit, match=r"job-1: still running after 0 s"):
        wait_for_end(make_client("running"), "job-1", most_s=0.0)


def test_a_job_that_failed_is_no_figure() -> None:
    with pytest.raises(AssertionError, match="failed"):
        finish(make_client("failed"), "job-1")
