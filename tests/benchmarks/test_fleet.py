"""The simulation of a fleet: what it must say where the answer is known."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.benchmarks.fleet import check
from tests.benchmarks.fleet.__main__ import main, simulate_one
from tests.benchmarks.fleet.parts import SOURCES, Parts, convert_measured, read_parts
from tests.benchmarks.fleet.simulate import GPU, Phase, list_phases, simulate

PARTS = Parts()
WORK = [Phase("map", 2.0), Phase("chunks", 8.0, {"api": 80.0}, on_gpu=True)]


@pytest.mark.parametrize(
    ("workers", "recordings", "seconds"), [(1, 6, 60.0), (2, 6, 30.0), (4, 6, 20.0), (9, 6, 10.0)]
)
def test_where_nothing_is_short_recordings_are_dealt_out_whole(workers: int, recordings: int, seconds: float) -> None:
    found = simulate(WORK, {"api": 1e9}, workers, recordings, engine_s=8.0)
    assert found.seconds == pytest.approx(seconds)
    assert found.gpu_share == pytest.approx(recordings * 8.0 / (workers * seconds))
    assert found.bottleneck == GPU


def test_a_service_that_is_short_sets_the_time_and_is_named() -> None:
    found = simulate([WORK[1]], {"api": 20.0, "other": 1.0}, workers=10, recordings=50, engine_s=8.0)
    assert found.seconds == pytest.approx(50 * 80.0 / 20.0)
    assert found.bottleneck == "api"
    assert found.mean == {"api": pytest.approx(1.0), "other": 0.0}
    assert found.peak["api"] == pytest.approx(10 * 10.0 / 20.0)


def test_what_is_used_in_sum_does_not_depend_on_what_is_short() -> None:
    for limit in (15.0, 33.0, 1e6):
        found = simulate(WORK, {"api": limit}, workers=7, recordings=30, engine_s=8.0)
        assert found.mean["api"] * limit * found.seconds == pytest.approx(30 * 80.0)


def test_a_fast_device_waits_for_the_cores_of_its_machine() -> None:
    fast = replace(PARTS, times_real=3600.0, worker_cores=1.0)
    chunks = next(phase for phase in list_phases(fast, 1.0) if phase.on_gpu)
    assert chunks.seconds == pytest.approx(PARTS.cpu_s - PARTS.map_s - PARTS.publish_s)
    assert simulate_one(fast, list_phases(fast, 24.0), 1, 3)["bottleneck"] == "the worker's cores"


def test_more_machines_cost_no_more_an_hour_until_something_is_short() -> None:
    costs = [simulate_one(PARTS, list_phases(PARTS, 24.0), gpus, 200)["cost_per_recorded_h"] for gpus in (1, 10)]
    assert costs[1] < costs[0]
    slow = replace(PARTS, api_requests_per_s=1.0)
    assert simulate_one(slow, list_phases(slow, 24.0), 10, 200)["cost_per_recorded_h"] > 5 * costs[1]


def test_parts_come_from_files_of_the_benchmarks(tmp_path: Path) -> None:
    file = tmp_path / "parts.json"
    file.write_text(json.dumps({"machine": "x", "times_real": 50}))
    assert read_parts(file) == replace(PARTS, times_real=50.0)
    first = {"task_runs": 24, "events": 96, "requests": {"POST /a": 60, "GET /b": 20}, "cpu_s": 8.0}
    file.write_text(json.dumps({"recorded_s": 7200.0, "first": first}))
    assert read_parts(file) == replace(PARTS, task_runs=12.0, events=48.0, requests=40.0, cpu_s=4.0)
    file.write_text(json.dumps({"gpus": 3}))
    with pytest.raises(SystemExit, match="no such part: gpus; there are times_real"):
        read_parts(file)


def test_measured_seconds_become_those_of_an_hour_without_the_engines() -> None:
    found = dict.fromkeys(
        ("cpu_s", "task_runs", "events", "requests", "storage_reads", "storage_writes", "storage_lists"), 6.0
    )
    found |= {"recorded_s": 1800.0, "times_real": 100.0, "map_s": 1.0, "chunks_s": 20.0, "publish_s": 3.0,
              "bytes_read": 1e6, "bytes_written": 2e6}  # fmt: skip
    parts = convert_measured(found)
    assert (parts["map_s"], parts["publish_s"], parts["cpu_s"]) == (2.0, 10.0, 12.0)
    assert (parts["storage_writes"], parts["storage_mb"]) == (24.0, 6.0)


def test_every_default_is_measured_or_said_to_be_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    figures = main(["--quick"])
    said = capsys.readouterr().out
    assert [fleet["gpus"] for fleet in figures["fleets"]] == [1, 10, 100, 1000]
    assert all(name in said for name in asdict(PARTS))
    assert all(source in said for source in SOURCES)


def test_nothing_is_compared_with_a_machine_that_has_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check.os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    assert check.check() == {"refused": "the machine has other work (load 3.0, at most 0.5)"}
