"""`daylong up`: one command for all of it, and what becomes of it when things die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.helpers.daylong_server import DaylongServer, run_daylong_server
from tests.helpers.sound_files import cut_sample
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.server

SMALL = {"profile": "demo", "punctuation": {"mode": "never"}}


def test_all_of_prefect_yaml_is_there_and_the_doctor_finds_nothing_missing(up: DaylongServer) -> None:
    there = {d["name"]: d for d in up.request("/deployments/filter", limit=50)}
    assert {"process-recording", "prune-cache"} <= set(there)
    assert there["prune-cache"]["schedules"][0]["active"]
    assert there["process-recording"]["enforce_parameter_schema"]
    planned = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    ours = {"name": {"any_": ["ingest-inbox", "prune-cache"]}}
    runs = wait_until(lambda: up.request("/flow_runs/filter", flow_runs=planned, flows=ours, limit=50), 90)
    assert all(run["auto_scheduled"] for run in runs)
    told = up.run_command("doctor", "--profile", "demo")
    assert told.returncode == 0, told.stdout + told.stderr
    for about in ("decoder", "device", "weights", "disk", "database", "server", "pool", "worker", "deployment"):
        assert f"ok       {about}" in told.stdout


def test_a_second_one_is_told_what_to_do(up: DaylongServer) -> None:
    told = up.run_command_without_server("up", "--port", str(up.port))
    assert told.returncode == 2
    assert "a Prefect server answers there already" in told.stderr
    assert f"PREFECT_API_URL={up.api_url} daylong up" in told.stderr


def test_a_recording_from_its_deployment(up: DaylongServer, meeting: Path) -> None:
    run = up.wait_for_end(up.submit("process-recording", source=str(meeting), settings=SMALL))
    assert run["state_type"] == "COMPLETED", up.read_run_log(run["id"])
    assert run["name"] == "roundtable-2026-11-20 · 00:00:40"
    wanted = {"probe", "speech-map", "plan", "chunk 1/1 · 00:00:00 – 00:00:40", "linking", "publish"}
    of = {"flow_run_id": {"any_": [run["id"]]}}
    # Tasks and lines are sent now and then.
    wait_until(lambda: wanted <= {t["name"] for t in up.request("/task_runs/filter", task_runs=of, limit=100)}, 60)
    wait_until(lambda: any("Done: " in line for line in up.read_run_log(run["id"])))
    lines = up.read_run_log(run["id"])
    story = [line.removeprefix("daylong.story: ") for line in lines if line.startswith("daylong.story")]
    assert story[0] == "Looking at the file."
    assert story[1].startswith("00:00:40 of flac, 16000 Hz, 1 channel")
    assert any(line.startswith("chunk 1 of 1 (00:00:00–00:00:40): ") for line in story)
    assert story[-1].startswith("Done: ")
    assert [line for line in lines if not line.startswith(("daylong.", "prefect."))] == []


def test_a_path_that_is_wrong_fails_with_one_line_and_no_traceback(up: DaylongServer) -> None:
    run = up.wait_for_end(up.submit("process-recording", source="/nowhere/meeting.wav", settings=SMALL))
    assert run["state_type"] == "FAILED"
    assert (
        run["state"]["message"] == "/nowhere/meeting.wav: no such file. There is no folder /nowhere. Check the path."
    )
    assert not any("Traceback" in line for line in up.read_run_log(run["id"]))


def test_a_model_that_no_engine_knows_is_refused_by_the_form(up: DaylongServer) -> None:
    with pytest.raises(AssertionError, match=r"large-v3-turbo"):
        up.submit("process-recording", source="x.wav", settings={"transcription": {"model": "whisper-tiny"}})
    with pytest.raises(AssertionError, match=r"20"):
        up.submit("process-recording", source="x.wav", settings={"transcription": {"beam_size": 99}})


def test_a_run_that_is_asked_to_end_goes_on_in_another_process(up: DaylongServer, tmp_path: Path) -> None:
    source = cut_sample(tmp_path / "drained.flac", 150.0)
    chunking = {"min_minutes": 0.5, "max_minutes": 0.75, "overlap_s": 10}
    drained = up.submit(
        "process-recording", source=str(source), settings=SMALL | {"chunking": chunking, "chunks_in_flight": 1}
    )
    wait_until(lambda: any("chunk 1 of" in line for line in up.read_run_log(drained)), 120)
    engine = up.find_child("prefect.engine")
    assert engine is not None
    os.kill(engine, signal.SIGTERM)
    run = up.wait_for_end(drained)
    lines = up.read_run_log(drained)
    assert (run["state_type"], run["run_count"]) == ("COMPLETED", 2), lines
    assert any("Asked to end" in line for line in lines)
    assert any("chunk 1 of" in line and "from the cache" in line for line in lines)
    assert not any("Traceback" in line for line in lines)


def test_killed_as_by_a_power_cut_its_run_is_marked_and_the_next_one_begins(tmp_path: Path, meeting: Path) -> None:
    slow = SMALL | {"transcription": {"beam_size": 20, "batch_size": 1}}
    with run_daylong_server(tmp_path / "cut") as up:
        first = up.submit("process-recording", source=str(meeting), settings=slow)
        wait_until(lambda: any("Listening" in line for line in up.read_run_log(first)))
        up.kill_all()
        up.start()
        assert "its process is gone; marked as crashed" in up.read_log()
        assert up.read_run(first)["state_type"] == "CRASHED"
        # it held the only place that its deployment has
        second = up.wait_for_end(up.submit("process-recording", source=str(meeting), settings=slow))
        assert second["state_type"] == "COMPLETED", up.read_run_log(second["id"])

        worker = up.find_child("worker", "start")
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: "another one starts" in up.read_log())
        anew = slow | {"transcription": {"beam_size": 19, "batch_size": 1}}  # else it ends before it is stopped
        third = up.submit("process-recording", source=str(meeting), settings=anew)
        wait_until(lambda: up.read_run(third)["state_type"] == "RUNNING")
        time.sleep(1.0)
        status, seconds, left = up.stop(signal.SIGINT)
        assert (status, left) == (130, [])
        assert seconds < 15
        assert "run it again to go on" in up.read_log()
        up.start()
        assert up.read_run(third)["state_type"] == "CRASHED"
        assert up.stop()[0] == 143
