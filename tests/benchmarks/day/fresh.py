"""Work in a process of its own, watched from outside: its wall clock, its memory, and its children's. Linux alone."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import SERVER, peak_mb, programs, resident_mb

ROOT = Path(__file__).resolve().parents[3]
_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Ended:
    """`wall_s` from before the process is started to its end. `peak_mb`: the most that it and all it has started had
    resident at a time, MiB, Prefect's server left out, whose own peak is `server_mb`; `own_mb` of that were its own,
    `peak_at` when (monotonic, s). `answer`: what it wrote; None where it failed or was stopped: then `error` says
    so."""

    launched: float
    ended: float
    peak_mb: float
    own_mb: float
    peak_at: float
    server_mb: float
    answer: dict[str, Any] | None
    error: str = ""

    @property
    def wall_s(self) -> float:
        return self.ended - self.launched


def run_fresh(
    module: str, job: dict[str, Any], home: Path, *, limit_s: float = math.inf, limit_mb: float = math.inf
) -> Ended:
    """`python -m module JOB` with `home` as DAYLONG_HOME and PREFECT_HOME; `job` gets `answer`, the file to write.

    It is stopped after `limit_s` seconds, or where it and its children have more than `limit_mb` MiB resident.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "prefect").mkdir(exist_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "DAYLONG_"))}
    env |= {"DAYLONG_HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "PREFECT_LOGGING_LEVEL": "WARNING"}
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "w+", encoding="utf-8") as log:
        file = Path(folder) / "answer.json"
        told = json.dumps(job | {"answer": str(file)})
        launched = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, "-m", module, told], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )
        most_mb = own_mb = peak_at = server_mb = 0.0
        error = ""
        before = signal.signal(signal.SIGTERM, _asked_to_end)
        try:
            while child.poll() is None:
                now_mb = 0.0
                for pid, words in programs(child.pid):
                    if SERVER in words:
                        server_mb = max(server_mb, peak_mb(pid))
                    else:
                        now_mb += resident_mb(pid)
                if now_mb > most_mb:
                    most_mb, own_mb, peak_at = now_mb, resident_mb(child.pid), time.monotonic()
                if now_mb > limit_mb:
                    error = f"stopped above {limit_mb / 1024:.1f} GB"
                elif time.monotonic() - launched > limit_s:
                    error = f"stopped after {limit_s:.0f} s"
                if error:
                    break
                time.sleep(_EVERY_S)
            ended = time.monotonic()
        finally:
            _end(child)
            signal.signal(signal.SIGTERM, before)
        answer = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        if answer is None and not error:
            log.seek(0)
            error = f"exit status {child.returncode}: {' | '.join(log.read().strip().splitlines()[-3:])}"
        most_mb = max(most_mb, (answer or {}).get("peak_mb", 0.0))
        return Ended(launched, ended, most_mb, own_mb, peak_at, server_mb, answer, error)


def _asked_to_end(number: int, _frame: object) -> None:
    """Whoever stops the benchmark stops what it has started."""
    raise SystemExit(128 + number)


def _end(child: subprocess.Popen[bytes]) -> None:
    """It and all of its session, which outlive it where it was stopped."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
