"""`daylong serve` as a command, with its worker in a process of its own: answers, kills, restarts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.serving.own_server import find_free_port
from tasks.dataset.read import read_transcript
from tasks.process_tree import find_descendants, is_running
from tests.helpers.daylong_server import make_environment
from tests.helpers.waiting import wait_until

COMMAND = (sys.executable, "-c", "from flows.cli.main import main; main()", "serve", "--profile", "demo")


@contextmanager
def serve(home: Path, **more: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """Run the command until the block ends; it answers when the block begins."""
    port = find_free_port()
    command = [*COMMAND, "--port", str(port), "--set", f"serve.roots={home}", "--set", "serve.short_minutes=0.3"]
    with (home / "serve.log").open("a") as log:
        process = subprocess.Popen(command, env=make_environment(home, **more), stderr=log, text=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as api:

            def answers() -> bool:
                assert process.poll() is None, (home / "serve.log").read_text()
                try:
                    return api.get("/health").status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(answers, 120, 0.1)
            yield api, process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def clips(home: Path) -> list[Path]:
    """A longer and a shorter piece of the sample."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    paths = [home / "longer.wav", home / "shorter.wav"]
    for path, span in zip(paths, (Span(60.0, 85.0), Span(90.0, 100.0)), strict=True):
        soundfile.write(path, decode(sample(), span), 16_000)
    return paths


def read_rss_mb(pid: int) -> float:
    (line,) = (x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def find_worker(pid: int) -> int:
    """The server's worker; its other processes are below that one."""
    return find_descendants(pid)[0]


def finish(api: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    def read() -> dict[str, Any] | None:
        told: dict[str, Any] = api.get(f"/v1/jobs/{job['id']}").json()
        return told if told["status"] not in ("queued", "running") else None

    return wait_until(read, 240, 0.1)


@pytest.mark.slow
def test_jobs_survive_a_killed_worker_and_a_killed_server(
    home: Path, prefect_server: None, clips: list[Path]
) -> None:
    from prefect.settings import PREFECT_API_URL

    more = {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "DAYLONG_OUT": str(home / "by server")}
    place = home / "served alone"
    place.mkdir()
    for clip in clips:
        os.link(clip, place / clip.name)
    with serve(place, **more) as (api, process):
        assert read_rss_mb(process.pid) < 150
        jobs = [api.post("/v1/jobs", json={"path": str(place / clip.name)}).json() for clip in clips]

        def both_run() -> bool:
            return api.get("/health").json()["running"] == 2

        wait_until(both_run, 30, 0.05)
        worker = find_worker(process.pid)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not is_running(worker) and both_run(), 30, 0.05)
        orphans = find_descendants(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: not any(map(is_running, orphans)), 30, 0.1)
    with serve(place, **more) as (api, process):
        done = [finish(api, job) for job in jobs]
        assert [job["status"] for job in done] == ["completed", "completed"]
        assert read_rss_mb(process.pid) < 150
        told = [api.get(f"/v1/jobs/{job['id']}/result").json()["text"].split() for job in jobs]
        children = find_descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
        wait_until(lambda: not any(map(is_running, children)), 30, 0.1)
    assert (place / "data" / "serve").stat().st_mode & 0o077 == 0
    (table,) = (home / "by server" / "words").rglob(f"{done[0]['result']['recording_id']}.parquet")
    assert table.stat().st_mode & 0o040  # the group reads it, as what other commands write
    log = (place / "serve.log").read_text()
    assert "Traceback" not in log
    assert "Stopped. Jobs that are not finished go on" in log

    from flows.process_recording import process_recording

    for clip, job, words in zip(clips, done, told, strict=True):
        transcript = read_transcript(home / "by server", job["result"]["recording_id"])
        outcome = process_recording(str(clip), {"profile": "demo", "out": str(home / "by command too")})
        again = read_transcript(home / "by command too", outcome["recording_id"])
        assert [w.text for w in again.words] == words
        assert again.words == transcript.words
        assert [s.label for s in again.speakers] == [s.label for s in transcript.speakers]


def test_wrong_settings_are_refused_in_a_line_before_anything_listens(tmp_path: Path) -> None:
    refused = subprocess.run(
        [*COMMAND, "--host", "0.0.0.0"], env=make_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("serve.host = 0.0.0.0: other machines reach it, and no key is asked for.")
    assert len(refused.stderr.splitlines()) == 1
    added = subprocess.run(
        [*COMMAND, "--set", "serve.api_keys=keys", "--add-key", "laptop"],
        env=make_environment(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert added.stdout.startswith("sk-daylong-")
    assert added.stdout.strip() not in (tmp_path / "keys").read_text()
