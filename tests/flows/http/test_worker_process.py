"""The worker's process as the server meets it: answers, errors, death."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.http.errors import ApiError
from flows.http.worker import Worker, WorkerDied
from flows.http.worker_errors import describe_error
from tasks.errors import MachineFault, MissingWeights, UnreadableAudio, UsageError

ECHO = """
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"]}
    if request["operation"] == "die":
        os._exit(3)
    if request["operation"] == "run":
        print(json.dumps(answer | {"progress": {"stage": "chunks"}}), flush=True)
    if request["operation"] == "fail":
        print(json.dumps(answer | {"error": {"status": 400, "message": "no", "param": "file"}}), flush=True)
        continue
    print(json.dumps(answer | {"done": {"pid": os.getpid(), **request["arguments"]}}), flush=True)
"""


def make_worker(place: Path) -> Worker:
    return Worker(place / "worker.log", (sys.executable, "-I", "-S", "-c", ECHO))


def test_requests_share_a_process_and_hear_their_own_progress(tmp_path: Path) -> None:
    async def test() -> None:
        worker = make_worker(tmp_path)
        heard: list[dict[str, Any]] = []
        answers = await asyncio.gather(
            worker.request("run", heard.append, source="é\n"), worker.request("look", source="b")
        )
        assert answers[0]["source"] == "é\n"
        assert answers[0]["pid"] == answers[1]["pid"]
        assert heard == [{"stage": "chunks"}]
        with pytest.raises(ApiError) as caught:
            await worker.request("fail")
        assert (caught.value.status, caught.value.param) == (400, "file")
        await worker.stop()
        assert not worker.is_up

    asyncio.run(test())


def test_a_dead_process_is_told_and_replaced(tmp_path: Path) -> None:
    async def test() -> None:
        worker = make_worker(tmp_path)
        first = (await worker.request("look"))["pid"]
        with pytest.raises(WorkerDied):
            await worker.request("die")
        second = (await worker.request("look"))["pid"]
        assert second != first
        os.kill(second, signal.SIGKILL)
        with pytest.raises(WorkerDied):
            await worker.request("look")
        assert (await worker.request("look"))["pid"] not in (first, second)
        await worker.stop()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("error", "status", "param"),
    [
        (UnreadableAudio("/srv/up/talk.mp3: no audio in it."), 400, "file"),
        (UsageError('transcription.language = "xx": no language'), 400, "language"),
        (MissingWeights("whisper small is not here"), 503, None),
        (MachineFault("the disk is gone"), 503, None),
        (OSError(28, "No space left on device", "/srv/up/x"), 503, None),
        (ValueError("secret details"), 500, None),
    ],
)
def test_errors_say_whose_fault_it_is_and_no_paths(
    error: Exception, status: int, param: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    told = describe_error(error, Path("/srv/up/talk.mp3"))
    assert (told["status"], told["param"]) == (status, param)
    assert "/srv" not in told["message"]
    assert "secret" not in told["message"]
