"""`daylong up` in a process of its own, as a user starts it, and requests to its Prefect server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.faults.commands import left_over
from tests.helpers.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
STARTING_S = 180.0


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a command: its homes are under `home`, and it has no settings of this process."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_", "HF_"))}
    return clean | {
        "DAYLONG_HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT), **more,
    }  # fmt: skip


@dataclass(slots=True)
class DaylongServer:
    """`daylong up` on `port`, with all its files under `home`."""

    home: Path
    port: int = field(default_factory=find_free_port)
    more: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    @property
    def log(self) -> Path:
        return self.home / "up.log"

    def read_log(self) -> str:
        return self.log.read_text(errors="replace")

    def start(self, *words: str) -> DaylongServer:
        """Start it, with more `words` on its command line."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.daylong", "up", "--port", str(self.port), *words],
                cwd=self.home,  # not where the code lies: it works from any folder
                env=make_environment(self.home, **self.more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        begun = self.read_log().count("Ctrl-C")
        wait_until(
            lambda: self.read_log().count("Ctrl-C") > begun or (self.process and self.process.poll() is not None),
            STARTING_S,
        )
        assert self.process.poll() is None, self.read_log()
        return self

    def run_command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another `daylong` command, with PREFECT_API_URL set to this server."""
        return self._command(words, PREFECT_API_URL=self.api_url)

    def run_command_without_server(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._command(words)

    def _command(self, words: tuple[str, ...], **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.faults.daylong", *words],
            cwd=self.home,
            env=make_environment(self.home, **self.more, **more),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float, list[int]]:
        """Send a signal and wait; returns the exit status, the seconds it took, and the ids of processes left."""
        assert self.process is not None
        below = self.find_descendants()
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(60)
        return status, time.monotonic() - began, [pid for pid in below if _is_there(pid)]

    def kill_all(self) -> None:
        """Send SIGKILL to the process and all its descendants."""
        assert self.process is not None
        below = self.find_descendants()
        for pid in (self.process.pid, *below):
            _kill(pid)
        self.process.wait(60)

    def find_descendants(self) -> list[int]:
        from tasks.process_tree import find_descendants

        return find_descendants(self.process.pid) if self.process else []

    def find_child(self, *words: str) -> int | None:
        """The id of a descendant whose command line has these words; None: there is none."""
        for pid in self.find_descendants():
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if all(word.encode() in line for word in words):
                return pid
        return None

    def request(self, path: str, **body: Any) -> Any:
        """The JSON that the server's API answers to a POST of `body`, or to a GET without one."""
        with httpx.Client(timeout=90, trust_env=False) as client:
            for _ in range(30):
                answer = (
                    client.post(f"{self.api_url}{path}", json=body) if body else client.get(f"{self.api_url}{path}")
                )
                if answer.status_code != 503:  # a locked database: whoever asks, asks again
                    break
                time.sleep(1.0)
        assert answer.is_success, answer.text
        return answer.json()

    def submit(self, deployment: str, **parameters: Any) -> str:
        """Start a run of a deployment, as the UI does; returns the run's id."""
        found = self.request(f"/deployments/name/{deployment}/{deployment}")
        run = self.request(
            f"/deployments/{found['id']}/create_flow_run", parameters=parameters, state={"type": "SCHEDULED"}
        )
        return str(run["id"])

    def read_run(self, run_id: str) -> dict[str, Any]:
        return dict(self.request(f"/flow_runs/{run_id}"))

    def wait_for_end(self, run_id: str, limit_s: float = 240.0) -> dict[str, Any]:
        """Wait until a run has ended; returns its facts."""
        final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
        return wait_until(lambda: run if (run := self.read_run(run_id))["state_type"] in final else None, limit_s)

    def read_run_log(self, run_id: str) -> list[str]:
        """The lines of a run's log, as the UI shows them."""
        found = self.request(
            "/logs/filter", logs={"flow_run_id": {"any_": [run_id]}}, sort="TIMESTAMP_ASC", limit=200
        )
        return [f"{line['name']}: {line['message']}" for line in found]


@contextmanager
def run_daylong_server(home: Path, **more: str) -> Iterator[DaylongServer]:
    """Run `daylong up` during the block, with `more` in its environment."""
    up = DaylongServer(home, more=more)
    try:
        yield up.start()
    finally:
        if up.process is not None and up.process.poll() is None:
            up.stop()
        if up.process is not None:
            for pid in left_over(up.process.pid):
                _kill(pid)


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
