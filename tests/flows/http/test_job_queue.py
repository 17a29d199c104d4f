"""The order of jobs, and what is kept of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flows.http.jobs import (
    BATCH,
    CONNECTION,
    STREAM,
    Job,
    JobFolder,
    KnownSpeaker,
    describe_job,
    make_job_id,
    read_job,
)
from flows.http.queue import choose_next, count_ahead, estimate_retry_s


def make_job(number: int, *, long: bool = False, urgency: int = BATCH, sha256: str | None = None) -> Job:
    return Job(
        id=f"job_{number}",
        source=f"/uploads/{number}/talk.wav",
        source_name="talk.wav",
        sha256=sha256 or f"{number:064x}",
        parameters={},
        digest="d",
        urgency=urgency,
        created_at=float(number),
        is_long=long,
    )


JOBS = st.lists(st.tuples(st.booleans(), st.sampled_from([STREAM, CONNECTION, BATCH])), max_size=8).map(
    lambda given: [make_job(i, long=long, urgency=urgency) for i, (long, urgency) in enumerate(given)]
)


def test_short_before_long_then_the_urgent_then_the_first() -> None:
    jobs = [
        make_job(0, long=True, urgency=STREAM),
        make_job(1),
        make_job(2, urgency=CONNECTION),
        make_job(3, urgency=STREAM),
        make_job(4, urgency=STREAM),
        make_job(5, long=True),
    ]
    order = []
    waiting = list(jobs)
    while waiting:
        chosen = choose_next(waiting, [], 1)
        assert chosen is not None
        assert count_ahead(chosen, waiting) == 0
        waiting.remove(chosen)
        order.append(chosen.id[4:])
    assert order == ["3", "4", "2", "1", "0", "5"]


@given(JOBS, st.integers(2, 4))
def test_a_day_leaves_a_place_to_short_ones_and_they_one_to_it(jobs: list[Job], places: int) -> None:
    waiting, running = list(jobs), []
    while (job := choose_next(waiting, running, places)) is not None:
        waiting.remove(job)
        running.append(job)
        long = sum(j.is_long for j in running)
        assert len(running) <= places
        assert long <= places - 1
    if any(j.is_long for j in jobs):
        assert any(j.is_long for j in running)
    if any(not j.is_long for j in jobs):
        assert any(not j.is_long for j in running)


def test_with_one_place_all_come_to_it() -> None:
    assert choose_next([make_job(1, long=True)], [], 1) is not None
    assert choose_next([make_job(1)], [make_job(0)], 1) is None


def test_two_jobs_of_one_recording_follow_each_other() -> None:
    first, second, other = make_job(0, sha256="a"), make_job(1, sha256="a"), make_job(2)
    assert choose_next([second, other], [first], 3) is other
    assert choose_next([second], [first], 3) is None
    assert choose_next([second], [], 3) is second


@given(st.lists(st.floats(0.1, 1e5), max_size=5), st.integers(0, 100), st.integers(1, 4))
def test_the_time_to_ask_again_is_between_a_second_and_ten_minutes(recent: list[float], n: int, places: int) -> None:
    assert 1 <= estimate_retry_s(recent, n, places) <= 600


def test_a_job_is_known_by_what_changes_its_result() -> None:
    same = make_job_id("a" * 64, "talk.wav", "digest", {"Ana": "x", "Ben": None})
    assert same == make_job_id("a" * 64, "talk.wav", "digest", {"Ben": None, "Ana": "x"})
    others = [
        make_job_id("b" * 64, "talk.wav", "digest", {"Ana": "x", "Ben": None}),
        make_job_id("a" * 64, "walk.wav", "digest", {"Ana": "x", "Ben": None}),
        make_job_id("a" * 64, "talk.wav", "other", {"Ana": "x", "Ben": None}),
        make_job_id("a" * 64, "talk.wav", "digest", {"Ana": "y", "Ben": None}),
        make_job_id("a" * 64, "talk.wav", "digest", {}),
    ]
    assert len({same, *others}) == 6


def test_jobs_are_kept_and_found_again_oldest_first(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    newer, older = make_job(2), make_job(1)
    newer.known = [KnownSpeaker("Ana", "/v")]
    newer.webhooks = {"https://example.org": False}
    for job in (newer, older):
        folder.save(job)
    folder.locate("job_3").mkdir()
    (folder.locate("job_3") / "job.json").write_text("{", encoding="utf-8")
    assert list(folder.load()) == [older, newer]
    folder.remove(older)
    assert [job.id for job in folder.load()] == ["job_2"]


def test_a_job_of_a_later_version_is_read(tmp_path: Path) -> None:
    held = json.loads(json.dumps(dataclasses.asdict(make_job(1))))
    assert read_job({**held, "invented_later": 1}) == make_job(1)


def test_callers_are_told_no_paths() -> None:
    job = make_job(1)
    job.error = {"status": 400, "message": "no sound", "type": "invalid_request_error", "param": "file", "code": None}
    told = json.dumps(describe_job(job, 3))
    assert "/uploads" not in told
    assert '"ahead": 3' in told
