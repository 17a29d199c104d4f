"""`daylong up` in a process of its own, as somebody would start it, and what its server answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.faults.commands import left_over

ROOT = Path(__file__).resolve().parents[2]
STARTING_S = 180.0
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: Callable[[], T | None], limit_s: float = 120.0, every_s: float = 0.3) -> T:
    """The first answer that isn't empty. Fails when there is none in time."""
    ends = time.monotonic() + limit_s
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < ends, f"nothing came of it within {limit_s:.0f} s"
        time.sleep(every_s)


def environment(home: Path, **more: str) -> dict[str, str]:
    """A home of its own, a Prefect of its own, and no settings of whoever runs the tests."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_", "HF_"))}
    return clean | {
        "DAYLONG_HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT), **more,
    }  # fmt: skip


def clip(path: Path, seconds: float, start_s: float = 0.0) -> Path:
    """A part of the sample as FLAC."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, decode(sample(), Span(start_s, start_s + seconds)), 16_000)
    return path


@dataclass(slots=True)
class Up:
    """`daylong up` on `port`, everything it keeps under `home`."""

    home: Path
    port: int = field(default_factory=free_port)
    more: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.web}/api"

    @property
    def log(self) -> Path:
        return self.home / "up.log"

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def start(self) -> Up:
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.daylong", "up", "--port", str(self.port)],
                cwd=self.home,  # not where the code lies: it works from any folder
                env=environment(self.home, **self.more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        begun = self.said().count("Ctrl-C")
        until(
            lambda: self.said().count("Ctrl-C") > begun or (self.process and self.process.poll() is not None),
            STARTING_S,
        )
        assert self.process.poll() is None, self.said()
        return self

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another `daylong` command, of somebody who has named this server to Prefect."""
        return self._command(words, PREFECT_API_URL=self.api)

    def command_without_server(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._command(words)

    def _command(self, words: tuple[str, ...], **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.faults.daylong", *words],
            cwd=self.home,
            env=environment(self.home, **self.more, **more),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float, list[int]]:
        """(exit status, seconds that it took, processes that it left behind)."""
        assert self.process is not None
        below = self.below()
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(60)
        return status, time.monotonic() - began, [pid for pid in below if _is_there(pid)]

    def kill_all(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        below = self.below()
        for pid in (self.process.pid, *below):
            _kill(pid)
        self.process.wait(60)

    def below(self) -> list[int]:
        from tasks.process_tree import find_descendants

        return find_descendants(self.process.pid) if self.process else []

    def child(self, *words: str) -> int | None:
        """A process below it that was started with these words."""
        for pid in self.below():
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if all(word.encode() in line for word in words):
                return pid
        return None

    def ask(self, path: str, **body: Any) -> Any:
        """What the server's API answers to a POST, or to a GET where nothing is sent."""
        with httpx.Client(timeout=90, trust_env=False) as client:
            for _ in range(30):
                answer = client.post(f"{self.api}{path}", json=body) if body else client.get(f"{self.api}{path}")
                if answer.status_code != 503:  # a locked database: whoever asks, asks again
                    break
                time.sleep(1.0)
        assert answer.is_success, answer.text
        return answer.json()

    def submit(self, deployment: str, **parameters: Any) -> str:
        """Start a deployment as the UI does; the run's id."""
        found = self.ask(f"/deployments/name/{deployment}/{deployment}")
        run = self.ask(
            f"/deployments/{found['id']}/create_flow_run", parameters=parameters, state={"type": "SCHEDULED"}
        )
        return str(run["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        return dict(self.ask(f"/flow_runs/{run_id}"))

    def ended(self, run_id: str, limit_s: float = 240.0) -> dict[str, Any]:
        final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
        return until(lambda: run if (run := self.run(run_id))["state_type"] in final else None, limit_s)

    def lines(self, run_id: str) -> list[str]:
        """The run's log, as the UI shows it."""
        found = self.ask("/logs/filter", logs={"flow_run_id": {"any_": [run_id]}}, sort="TIMESTAMP_ASC", limit=200)
        return [f"{line['name']}: {line['message']}" for line in found]


@contextmanager
def serving(home: Path, **more: str) -> Iterator[Up]:
    up = Up(home, more=more)
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
