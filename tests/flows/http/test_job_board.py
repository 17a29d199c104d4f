"""The board of jobs: what becomes of them where workers die, servers are killed, queues are full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flows.http.board import ATTEMPTS, Board
from flows.http.errors import ApiError
from flows.http.jobs import BATCH, STREAM, Job, JobFolder
from flows.http.metrics import ServerMetrics
from flows.http.service import _FinalText
from flows.http.worker import WorkerDied
from tasks.settings.schema import ServeSettings

Scripted = Callable[["Worker", str], Awaitable[dict[str, Any]]]
OUTCOME = {"duration_s": 60.0, "recording_id": "talk-1", "run_id": "r", "out": "/out"}


class Worker:
    """Answers each run as a script says; other operations aren't asked for here."""

    is_up, is_idle, last_used = True, False, 0.0

    def __init__(self, script: Scripted) -> None:
        self.script = script
        self.began: list[str] = []
        self.stopped = asyncio.Event()

    async def request(self, operation: str, on_progress: Any = None, **arguments: Any) -> dict[str, Any]:
        assert operation == "run"
        self.began.append(Path(arguments["source"]).name)
        on_progress({"stage": "chunks", "chunks_done": 1})
        return await self.script(self, Path(arguments["source"]).name)

    async def stop(self) -> None:
        self.stopped.set()


async def finish_at_once(_worker: Worker, _name: str) -> dict[str, Any]:
    return OUTCOME


async def until_stopped(worker: Worker, name: str) -> dict[str, Any]:
    if worker.stopped.is_set():
        return OUTCOME
    await worker.stopped.wait()
    raise WorkerDied


def make_board(place: Path, worker: Worker, **settings: Any) -> Board:
    return Board(
        ServeSettings(**settings),
        JobFolder(place / "jobs"),
        worker,
        ServerMetrics(),
        "whsec_eA==",  # type: ignore[arg-type]
    )


def add(board: Board, place: Path, name: str, *, long: bool = False, urgency: int = BATCH) -> Job:
    upload = place / f"upload of {name}"
    upload.write_bytes(name.encode())
    source = place / "jobs" / f"job_{name}" / "recording" / name
    job = Job(
        id=f"job_{name}", source=str(source), source_name=name, sha256=name, parameters={}, digest="d",
        is_long=long, urgency=urgency, created_at=time.time(),
    )  # fmt: skip
    return board.add(job, {upload: f"recording/{name}"})


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))  # type: ignore[arg-type]


def test_a_job_is_worked_on_and_its_upload_removed(tmp_path: Path) -> None:
    async def test() -> None:
        board = make_board(tmp_path, Worker(finish_at_once))
        job = add(board, tmp_path, "one")
        assert Path(job.source).read_bytes() == b"one"
        await board.wait(job)
        assert (job.state, job.result) == ("completed", OUTCOME)
        assert not Path(job.source).exists()
        assert board.describe(job)["progress"]["chunks_done"] == 1

    run(test)


def test_a_full_queue_says_when_to_ask_again(tmp_path: Path) -> None:
    async def test() -> None:
        board = make_board(tmp_path, Worker(until_stopped), at_once=1, max_waiting=1)
        add(board, tmp_path, "works")
        waits = add(board, tmp_path, "waits")
        with pytest.raises(ApiError) as caught:
            add(board, tmp_path, "refused")
        assert caught.value.status == 429
        assert int(caught.value.headers["Retry-After"]) >= 1
        assert board.describe(waits)["ahead"] == 0

    run(test)


def test_a_worker_that_dies_is_tried_again_but_not_for_ever(tmp_path: Path) -> None:
    async def dies(_worker: Worker, _name: str) -> dict[str, Any]:
        raise WorkerDied

    async def dies_once(worker: Worker, name: str) -> dict[str, Any]:
        if worker.began == [name]:
            raise WorkerDied
        return OUTCOME

    async def test() -> None:
        board = make_board(tmp_path, Worker(dies_once))
        job = add(board, tmp_path, "lucky")
        await board.wait(job)
        assert (job.state, job.attempts) == ("completed", 2)
        worker = Worker(dies)
        board = make_board(tmp_path, worker)
        job = add(board, tmp_path, "poison")
        with pytest.raises(ApiError) as caught:
            await board.wait(job)
        assert caught.value.status == 503
        assert len(worker.began) == ATTEMPTS

    run(test)


def test_an_error_of_the_file_is_told_with_its_status(tmp_path: Path) -> None:
    async def refuses(_worker: Worker, name: str) -> dict[str, Any]:
        raise ApiError(400, f"{name}: no sound in it.", param="file")

    async def test() -> None:
        board = make_board(tmp_path, Worker(refuses))
        job = add(board, tmp_path, "silent")
        with pytest.raises(ApiError) as caught:
            await board.wait(job)
        assert (caught.value.status, caught.value.param) == (400, "file")
        assert board.join(job.id, STREAM) is None  # a request that comes again is tried again

    run(test)


def test_a_short_one_overtakes_and_a_day_gets_its_place(tmp_path: Path) -> None:
    async def test() -> None:
        worker = Worker(until_stopped)
        board = make_board(tmp_path, worker, at_once=2)
        for name, long in (("day 1", True), ("day 2", True), ("short 1", False), ("short 2", False)):
            add(board, tmp_path, name, long=long)
        await asyncio.sleep(0)
        assert sorted(worker.began) == ["day 1", "short 1"]

    run(test)


def test_a_request_joins_and_makes_the_job_as_urgent_as_itself(tmp_path: Path) -> None:
    async def test() -> None:
        board = make_board(tmp_path, Worker(until_stopped), at_once=1)
        add(board, tmp_path, "first")
        job = add(board, tmp_path, "joined")
        assert board.join(job.id, STREAM) is job
        assert job.urgency == STREAM
        assert board.join("job_other", STREAM) is None

    run(test)


def test_cancelling_ends_the_work_and_others_go_on(tmp_path: Path) -> None:
    async def test() -> None:
        worker = Worker(until_stopped)
        board = make_board(tmp_path, worker)
        cancelled, other = add(board, tmp_path, "cancelled"), add(board, tmp_path, "other")
        await asyncio.sleep(0)
        assert len(board.running) == 2
        await board.remove(cancelled)
        with pytest.raises(ApiError) as caught:
            await board.wait(cancelled)
        assert caught.value.status == 409
        await board.wait(other)
        assert (other.state, other.attempts) == ("completed", 1)
        assert worker.began.count("cancelled") == 1
        await board.remove(other)
        with pytest.raises(ApiError):
            board.find(other.id)
        assert not (tmp_path / "jobs" / other.id).exists()

    run(test)


def test_what_a_killed_server_had_accepted_is_done_by_the_next(tmp_path: Path) -> None:
    async def accept() -> None:
        board = make_board(tmp_path, Worker(until_stopped), at_once=1)
        add(board, tmp_path, "begun")
        add(board, tmp_path, "waiting")
        await asyncio.sleep(0)

    async def resume() -> None:
        worker = Worker(finish_at_once)
        board = make_board(tmp_path, worker)
        board.resume()
        for name in ("begun", "waiting"):
            job = board.find(f"job_{name}")
            await board.wait(job)
            assert job.state == "completed"
        await board.close()

    run(accept)
    run(resume)


def test_old_jobs_are_forgotten_and_their_tables_stay(tmp_path: Path) -> None:
    async def test() -> None:
        board = make_board(tmp_path, Worker(finish_at_once), keep_hours=1)
        job = add(board, tmp_path, "old")
        await board.wait(job)
        sweep = asyncio.create_task(board._sweep(0.001, lambda: time.time() + 3601))
        async with asyncio.timeout(10):
            while (tmp_path / "jobs" / job.id).exists():
                await asyncio.sleep(0.005)
                if sweep.done():
                    sweep.result()  # raises what it failed by
        sweep.cancel()
        with pytest.raises(ApiError) as caught:
            board.find(job.id)
        assert caught.value.status == 404

    run(test)


def test_final_text_is_told_while_the_work_goes_on_and_anew_where_it_is_begun_again(tmp_path: Path) -> None:
    async def test() -> None:
        class Talks(Worker):
            async def request(self, operation: str, on_progress: Any = None, **arguments: Any) -> dict[str, Any]:
                for text, until_s in ((" Good", 1.0), (" morning.", 2.0)):
                    on_progress({"final": {"text": text, "until_s": until_s}})
                return await super().request(operation, on_progress, **arguments)

        worker = Talks(until_stopped)
        board = make_board(tmp_path, worker)
        job = add(board, tmp_path, "talk")
        reader = _FinalText(job)
        await asyncio.sleep(0)
        told = board.describe(job)
        assert (told["final_text"], told["final_until_s"]) == ("Good morning.", 2.0)
        assert (reader.read(), reader.until_s, reader.read()) == ("Good morning.", 2.0, None)
        await worker.stop()
        await board.wait(job)
        assert job.attempts == 2
        assert board.describe(job)["final_text"] is None

    run(test)
