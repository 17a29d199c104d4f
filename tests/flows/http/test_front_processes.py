"""A server with two fronts, each in a process of its own: what openai-python gets; kills, replacements, the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.serving.own_server import find_free_port
from tasks.process_tree import find_descendants, is_running
from tasks.processes import read_stat
from tests.helpers.daylong_server import make_environment
from tests.helpers.scripted_serve import TEXT
from tests.helpers.waiting import wait_until

LIMIT_S = 120.0


@dataclass(slots=True)
class Server:
    """A server that runs, and the ids of its processes."""

    url: str
    process: subprocess.Popen[str]
    home: Path
    runtime: Path
    """Where its socket is."""
    gate: Path
    """Work ends once this file is there."""

    def find_fronts(self) -> list[int]:
        found = []
        for pid in find_descendants(self.process.pid):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if b"flows.http.front_main" in line:
                found.append(pid)
        return found

    @contextmanager
    def through(self, front: int) -> Iterator[None]:
        """Let this front alone take connections during the block: the others stand still."""
        others = [pid for pid in self.find_fronts() if pid != front]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: all((read_stat(pid) or "?")[0] == "T" for pid in others), LIMIT_S, 0.01)
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def ask(self, path: str, **body: Any) -> httpx.Response:
        """Ask on a connection of its own."""
        return httpx.request("POST" if body else "GET", self.url + path, timeout=LIMIT_S, **body)


@contextmanager
def serve(home: Path) -> Iterator[Server]:
    """Run a server with two fronts until the block ends; all of them answer when the block begins."""
    port, gate = find_free_port(), home / "gate"
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:  # a socket's path is short
        more = {"XDG_RUNTIME_DIR": runtime, "DAYLONG_SERVE__WORKERS": "2", "DAYLONG_SERVE__PORT": str(port)}
        with (home / "serve.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.helpers.scripted_serve", str(gate)],
                env=make_environment(home, **more), stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", (home / "serve.log").read_text()
            yield Server(f"http://127.0.0.1:{port}", process, home, Path(runtime), gate)
        finally:
            process.kill()
            process.communicate()


def read_rss_mb(pid: int) -> float:
    (line,) = (x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def send_half(url: str) -> socket.socket:
    """Send the first half of a form with a file, `half.wav`."""
    connection = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
    connection.sendall(
        b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        b'Content-Disposition: form-data; name="file"; filename="half.wav"\r\n\r\n' + bytes(1000)
    )
    return connection


@pytest.mark.slow
def test_two_fronts_are_one_server_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    import openai

    uploads = tmp_path / "data" / "serve" / "uploads"
    with serve(tmp_path) as server:
        one, other = server.find_fronts()
        assert max(read_rss_mb(one), read_rss_mb(other)) < 80
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=LIMIT_S)
        with server.through(one):
            job = server.ask("/v1/jobs", files={"file": ("talk.wav", b"sound")}).json()
            half = send_half(server.url)
            wait_until(lambda: list(uploads.rglob("half.wav")), LIMIT_S, 0.02)
        with server.through(other):
            assert server.ask(f"/v1/jobs/{job['id']}").json()["status"] == "running"
            events: list[Any] = []

            def listen() -> None:
                stream = client.audio.transcriptions.create(
                    file=("talk.wav", b"sound"), model="gpt-4o-transcribe", stream=True
                )
                events.extend(stream)

            listening = threading.Thread(target=listen)
            listening.start()
            wait_until(lambda: "daylong_jobs_joined_total 1.0" in server.ask("/metrics").text, LIMIT_S, 0.1)

        os.kill(one, signal.SIGKILL)
        wait_until(lambda: len(server.find_fronts()) == 2 and one not in server.find_fronts(), LIMIT_S, 0.05)
        (new,) = set(server.find_fronts()) - {other}
        with server.through(new):
            assert server.ask("/health").json() == {"status": "ok", "waiting": 0, "running": 1}
            assert not list(uploads.rglob("half.wav"))
        half.close()
        server.gate.touch()
        listening.join(LIMIT_S)
        assert [event.type for event in events] == ["transcript.text.done"]
        assert events[0].text == TEXT
        with server.through(new):
            again = client.audio.transcriptions.create(file=("talk.wav", b"sound"), model="whisper-1")
            assert again.text == TEXT
            assert 'daylong_jobs_total{state="completed"} 1.0' in server.ask("/metrics").text

        children = find_descendants(server.process.pid)
        assert len(list(server.runtime.rglob("serve-*.sock"))) == 1
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(LIMIT_S) == 128 + signal.SIGTERM
        wait_until(lambda: not any(map(is_running, children)), LIMIT_S, 0.05)
        assert not list(server.runtime.rglob("*.sock"))
        log = (tmp_path / "serve.log").read_text()
        assert log == "a process that receives requests ended (status -9); it is begun again\n"


@pytest.mark.slow
def test_fronts_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        children = find_descendants(server.process.pid)
        assert len(children) == 3
        server.process.kill()
        wait_until(lambda: not any(map(is_running, children)), LIMIT_S, 0.05)
