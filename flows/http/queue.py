"""Which job is next: short recordings before long ones, then the urgent, then the first that came."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flows.http.jobs import Job

LONGEST_RETRY_S = 600
FIRST_GUESS_S = 10.0
"""Seconds that a job takes, before any has been measured."""


def rank(job: Job) -> tuple[bool, int, float]:
    """The key that sorts waiting jobs."""
    return job.is_long, job.urgency, job.created_at


def choose_next(waiting: Sequence[Job], running: Collection[Job], places: int) -> Job | None:
    """Choose the waiting job to begin now; None where none may.

    Of two places or more, long recordings leave one to short ones, and short ones one to a long one that waits:
    nobody waits for a day, and a day does not wait for ever. Two jobs of the same recording are never worked on at a
    time, since they publish the same tables.
    """
    if len(running) >= places:
        return None
    busy = {job.sha256 for job in running}
    long = sum(job.is_long for job in running)
    ready = [job for job in sorted(waiting, key=rank) if job.sha256 not in busy]
    a_long_one_waits = not long and any(job.is_long for job in ready)
    for job in ready:
        if places > 1 and job.is_long and long >= places - 1:
            continue
        if places > 1 and not job.is_long and a_long_one_waits and len(running) - long >= places - 1:
            continue
        return job
    return None


def count_ahead(job: Job, waiting: Sequence[Job]) -> int:
    """Count the waiting jobs before this one."""
    return sum(rank(other) < rank(job) for other in waiting)


def estimate_retry_s(recent_s: Sequence[float], waiting: int, places: int) -> int:
    """Estimate in how many seconds a full queue has room, from what recent jobs took.

    >>> estimate_retry_s([4.0, 8.0], 10, 2), estimate_retry_s([], 1, 1), estimate_retry_s([3600.0], 64, 2)
    (3, 10, 600)
    """
    each = sum(recent_s) / len(recent_s) if recent_s else FIRST_GUESS_S
    return max(1, min(LONGEST_RETRY_S, round(each / places))) if waiting else 1
