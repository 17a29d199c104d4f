"""The folder-watch as a deployment, with a second watcher beside it and a worker that is killed: every file ends in
done or in quarantine, exactly once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.daylong_server import DaylongServer, make_environment, run_daylong_server
from tests.helpers.sound_files import cut_sample
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.server

SETTINGS = """
profile = "demo"
diarization.engine = "off"
punctuation.mode = "never"
inbox.settle_seconds = 1
inbox.patience_minutes = 0
metrics.textfile = "daylong.prom"
logging.format = "json"
"""


def copied_slowly(source: Path, to: Path, seconds: float) -> threading.Thread:
    """A copy that takes its time, as over a network."""
    whole = source.read_bytes()

    def copy() -> None:
        with to.open("wb") as file:
            for k in range(20):
                file.write(whole[k * len(whole) // 20 : (k + 1) * len(whole) // 20])
                file.flush()
                time.sleep(seconds / 20)

    thread = threading.Thread(target=copy)
    thread.start()
    return thread


def digests(folder: Path) -> list[str]:
    """Of all recordings under a folder."""
    files = [f for f in folder.rglob("*") if f.is_file() and f.suffix in (".flac", ".wav")]
    return sorted(hashlib.sha256(f.read_bytes()).hexdigest() for f in files)


def test_two_watchers_and_a_worker_that_dies(tmp_path: Path) -> None:
    home, source = tmp_path / "home", tmp_path / "source"
    inbox = home / "data" / "inbox"
    inbox.mkdir(parents=True)
    (home / "daylong.toml").write_text(SETTINGS)
    good = [cut_sample(source / f"good {k}.flac", 6.0, 20.0 * k) for k in range(4)]
    with run_daylong_server(home) as up:
        slow = copied_slowly(good[0], inbox / "slow.flac", 6.0)
        for k, each in enumerate(good[1:], 1):
            shutil.copy(each, inbox / f"2026-11-20_10-{k:02d}-00.flac")
        shutil.copy(good[1], inbox / "again.flac")
        (inbox / "broken.wav").write_bytes(b"RIFF\x10\x00\x00\x00WAVE, and no sound")
        (inbox / "text.wav").write_text("not a sound at all")
        (inbox / "half.flac.part").write_bytes(b"fLaC")

        first = up.submit("ingest-inbox")
        wait_until(lambda: up.read_run(first)["state_type"] in ("RUNNING", "CANCELLED"), 60)
        wait_until(lambda: _claimed(inbox), 60)
        hit = [run["id"] for run in _running(up)]
        worker = up.find_child("worker", "start")
        assert worker is not None
        for pid in (worker, *_below(worker)):  # with its runs, as if their machine had gone
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "another one starts" in up.read_log())

        with (tmp_path / "watch.log").open("wb") as log:
            beside = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.daylong", "watch"],
                env=make_environment(home, PREFECT_API_URL=up.api_url),
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            slow.join()
            _until_filed(up, inbox)
        finally:
            beside.send_signal(signal.SIGTERM)
            assert beside.wait(30) == 143

        assert digests(home / "data" / "done") == sorted(map(_digest, [*good, good[1]]))
        quarantined = [json.loads(f.read_text()) for f in (home / "data" / "quarantine").glob("*/error.json")]
        assert len(quarantined) == 2
        assert len(digests(home / "data" / "quarantine")) == 2
        assert [p.name for p in inbox.iterdir() if not p.name.startswith(".")] == ["half.flac.part"]
        rows = _recordings(home)
        assert sorted(r["sha256"] for r in rows) == sorted(map(_digest, good))
        assert {r["status"] for r in rows} == {"complete"}

        assert {up.read_run(run)["state_type"] for run in hit} <= {"CRASHED", "COMPLETED"}  # none runs for ever
        # What the killed process was about to tell of a file that it had just put away is lost with it; what the
        # server is told it writes down five seconds later.
        assert wait_until(lambda: _told_of(up), 30) <= {"broken.wav", "text.wav"}
        lines = [json.loads(line) for line in up.read_log().splitlines()]  # of the server, the worker and the runs
        # Whichever of the two watchers took a file told of it.
        told = (tmp_path / "watch.log").read_text(encoding="utf-8").splitlines()
        lines += [json.loads(line) for line in told if line.startswith("{")]
        assert any(str(line["recording"]).endswith(".flac") for line in lines)
        assert {"daylong.up", "daylong.story", "daylong.steps", "prefect.flow_runs"} <= {
            line["logger"] for line in lines
        }
        assert "daylong_runs_total" in (home / "daylong.prom").read_text()


def _until_filed(up: DaylongServer, inbox: Path) -> None:
    ends = time.monotonic() + 240

    def left() -> list[Path]:
        waiting = [p for p in inbox.iterdir() if p.suffix in (".flac", ".wav")]
        return waiting + _claimed(inbox)

    while left():
        assert time.monotonic() < ends, (left(), up.read_log()[-3000:])
        up.submit("ingest-inbox")  # one at a time: of those that come too soon nothing comes
        time.sleep(4.0)
    wait_until(lambda: not _running(up), 60)


def _told_of(up: DaylongServer) -> set[str]:
    events = up.request("/events/filter", filter={"event": {"name": ["daylong.recording.quarantined"]}}, limit=10)
    return {e["resource"]["prefect.resource.name"] for e in events["events"]}


def _running(up: DaylongServer) -> list[dict[str, Any]]:
    return list(up.request("/flow_runs/filter", flow_runs={"state": {"type": {"any_": ["RUNNING"]}}}))


def _claimed(inbox: Path) -> list[Path]:
    return [p for p in (inbox / ".claimed").rglob("*") if p.suffix in (".flac", ".wav")]


def _below(pid: int) -> list[int]:
    from tasks.process_tree import find_descendants

    return find_descendants(pid)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _recordings(home: Path) -> list[dict[str, Any]]:
    from tasks.dataset.read import recordings

    return recordings(home / "data" / "transcripts")
