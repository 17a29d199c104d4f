"""Fronts: several processes behind one port, and the one board that they ask."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from flows.http.errors import ApiError
from flows.http.front import Front
from flows.http.front_main import Orders
from flows.http.fronts import ATTEMPTS, Fronts, Together
from flows.http.keys import hash_key
from flows.http.receiving import KINDS
from flows.http.routes import make_router
from flows.http.service import Service
from flows.http.tally import SharedTally
from flows.http.uploads import Room
from tasks.errors import MachineFault, UsageError
from tests.helpers.board_socket import run_fronts

TRANSCRIPTIONS = "/v1/audio/transcriptions"
FILE = {"file": ("talk.wav", b"sound")}


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))  # type: ignore[arg-type]


async def wait_until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


async def read_count(front: httpx.AsyncClient, line: str) -> float:
    text = (await front.get("/metrics")).text
    found = re.search(rf"^daylong_{re.escape(line)} (\S+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_same_bytes_sent_to_both_fronts_are_worked_on_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with run_fronts(tmp_path) as fronted:
            one, other = fronted.fronts
            asked = [
                asyncio.create_task(front.post(TRANSCRIPTIONS, files=FILE, data={"response_format": "text"}))
                for front in (one, other)
            ]
            await wait_until(lambda: bool(fronted.worker.runs))
            job = (await one.post("/v1/jobs", files=FILE)).json()
            assert (await other.get("/health")).json() == {"status": "ok", "waiting": 0, "running": 1}
            assert (await other.get(f"/v1/jobs/{job['id']}")).json()["status"] == "running"
            while await read_count(one, "jobs_joined_total") < 2:
                await asyncio.sleep(0.01)
            fronted.worker.finish.set()
            answers = await asyncio.gather(*asked)
            assert [a.text for a in answers] == ["a body of text"] * 2
            assert [a.headers["x-daylong-job"] for a in answers] == [job["id"]] * 2
            assert [a.headers["content-type"] for a in answers] == ["text/plain; charset=utf-8"] * 2
            assert fronted.worker.runs == ["sound"]
            assert await read_count(other, 'jobs_total{state="completed"}') == 1
            await wait_until(lambda: fronted.list_files() == [])

    run(test)


def test_errors_headers_and_counts_are_the_boards_whoever_finds_them(tmp_path: Path) -> None:
    async def test() -> None:
        async with run_fronts(tmp_path, origins=("https://notes.example.org",)) as fronted:
            one, other = fronted.fronts
            page = {"Origin": "https://notes.example.org"}
            wrong = await one.post(TRANSCRIPTIONS, files=FILE, data={"response_format": "docx"}, headers=page)
            assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "response_format")
            assert wrong.headers["access-control-allow-origin"] == page["Origin"]
            assert (await other.post(TRANSCRIPTIONS, json={})).status_code == 400
            assert await read_count(other, 'http_requests_total{path="/v1/audio/transcriptions",status="400"}') == 2
            assert (
                await one.post(TRANSCRIPTIONS, files=FILE, headers={"Origin": "https://x.org"})
            ).status_code == 403
            assert (await one.get("/v1/jobs/job_x")).json()["error"]["code"] == "job_not_found"
            assert (await one.post("/v1/other", content=b"x")).status_code == 404
            assert (await one.delete("/health")).headers["allow"] == "GET"
            assert fronted.list_files() == []

    run(test)


def test_a_key_is_asked_for_before_anything_is_written(tmp_path: Path) -> None:
    async def test() -> None:
        async with run_fronts(tmp_path, {hash_key("sk-1"): "laptop"}) as fronted:
            front, _ = fronted.fronts
            for path, method in ((TRANSCRIPTIONS, "POST"), ("/v1/jobs", "POST"), ("/v1/models", "GET")):
                refused = await front.request(method, path, files=FILE if method == "POST" else None)
                assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert not (tmp_path / "uploads").exists()
            key = {"Authorization": "Bearer sk-1"}
            assert (await front.post("/v1/jobs", files=FILE, headers=key)).status_code == 202
            assert (await front.get("/health")).status_code == 200

    run(test)


def test_nobody_can_hand_over_a_file_of_this_machine(tmp_path: Path) -> None:
    """What looks like a front's word, but is a client's, is a form or an error."""

    async def test() -> None:
        held = {"folder": "../jobs", "file": "job.json", "fields": [], "sha256": "", "size_bytes": 1}
        async with run_fronts(tmp_path) as fronted:
            front, _ = fronted.fronts
            for path in KINDS:
                answer = await front.post(path, json={"upload": held})
                assert answer.status_code == 400
            assert (await front.put("/v1/jobs", json={"upload": held})).status_code == 405
            assert fronted.worker.runs == []

    run(test)


def test_the_quota_is_of_all_fronts_together(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as file:
        one, other = (
            Room(tmp_path / str(i), 1000, 1000, tmp_path, SharedTally(file.fileno(), i, 2)) for i in range(2)
        )

        async def test() -> None:
            async with one.reserve(700):
                assert other.receiving == 700
                with pytest.raises(ApiError) as caught:
                    async with other.reserve(400):
                        pass
                assert caught.value.status == 503
                async with other.reserve(300):
                    assert one.receiving == 1000
                assert one.receiving == 700
            assert other.receiving == 0

        run(test)
        SharedTally(file.fileno(), 0, 2).add(500)  # of one that is killed
        assert other.receiving == 500
        SharedTally(file.fileno(), 0, 2)  # takes its place
        assert other.receiving == 0


class Leaver:
    """A client that asks an application for a transcript, and leaves before it has it."""

    def __init__(self, front: Front, *, stream: bool) -> None:
        form = httpx.Request("POST", "http://x/", files=FILE, data={"stream": str(stream).lower()})
        self._body = [form.read()]
        self._left = asyncio.Event()
        self.events = b""
        headers = [(b"host", b"127.0.0.1"), (b"content-type", form.headers["content-type"].encode())]
        path = {"path": TRANSCRIPTIONS, "raw_path": TRANSCRIPTIONS.encode(), "query_string": b""}
        scope = {"type": "http", "method": "POST", **path, "headers": headers, "scheme": "http"}
        self._asking = asyncio.create_task(front(scope, self._receive, self._note))

    async def leave(self) -> None:
        self._left.set()
        await self._asking

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _note(self, message: MutableMapping[str, Any]) -> None:
        self.events += message.get("body", b"")


def test_who_leaves_a_stream_leaves_the_board_and_the_work_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with run_fronts(tmp_path) as fronted:
            client = Leaver(fronted.applications[0], stream=True)
            await wait_until(lambda: bool(fronted.worker.runs) and client.events == b": working\n\n")
            assert fronted.count_requests() == 1
            await client.leave()
            await wait_until(lambda: fronted.count_requests() == 0)
            fronted.worker.finish.set()
            again = await fronted.fronts[1].post(TRANSCRIPTIONS, files=FILE)
            assert again.text == "a body of json"
            assert fronted.worker.runs == ["sound"]
            await wait_until(lambda: fronted.list_files() == [])

    run(test)


def test_who_leaves_a_front_before_the_answer_is_not_waited_for(tmp_path: Path) -> None:
    async def test() -> None:
        async with run_fronts(tmp_path) as fronted:
            client = Leaver(fronted.applications[0], stream=False)
            await wait_until(lambda: bool(fronted.worker.runs))
            await client.leave()
            assert client.events == b""
            fronted.worker.finish.set()
            await wait_until(lambda: fronted.count_requests() == 0)
            assert fronted.list_files() == []

    run(test)


def test_a_board_that_has_gone_is_told_in_a_line(tmp_path: Path) -> None:
    async def test() -> None:
        async with run_fronts(tmp_path) as fronted:
            front, _ = fronted.fronts
            fronted.end_board()
            while (answer := await front.get("/health")).status_code == 200:
                await asyncio.sleep(0.05)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            assert (await front.post(TRANSCRIPTIONS, files=FILE)).json()["error"]["type"] == "server_error"
            assert fronted.list_files() == []

    run(test)


def test_every_request_with_a_recording_is_received_by_fronts() -> None:
    service = Service(None, None, None, None, None, None, ())  # type: ignore[arg-type]
    routes = [route for route in make_router(service).routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes if "POST" in route.methods} == set(KINDS)


def make_orders(listener: int, tally: int) -> Orders:
    return Orders("{}", "", "", "", 0, 0, listener, tally, 0, 1, 1)


@pytest.mark.parametrize("command", [("false",), ("no-such-command-here",)])
def test_fronts_that_never_answer_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("flows.http.fronts.PAUSE_S", 0.0)
    with tempfile.TemporaryFile() as file:
        fronts = Fronts(2, make_orders(file.fileno(), file.fileno()), tmp_path, command)
        with pytest.raises(MachineFault, match=rf"serve\.workers = 2: .* ended {ATTEMPTS} times"):
            asyncio.run(asyncio.wait_for(fronts.run(lambda: pytest.fail("none answers")), 20))


def test_a_second_server_of_the_folder_is_refused_and_a_dead_ones_socket_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        with Together.open(2, tmp_path) as first:
            assert os.stat(first.address.parent).st_mode & 0o077 == 0
            with pytest.raises(UsageError, match="runs already"), Together.open(2, tmp_path):
                pass
            first.listener.close()  # as where it was killed
            with Together.open(2, tmp_path) as second:
                assert second.address == first.address
        assert list(first.address.parent.iterdir()) == []
