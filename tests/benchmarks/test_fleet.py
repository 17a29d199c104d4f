"""The simulation of a fleet: what it must say where the answer is known."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.benchmarks.fleet import check
from tests.benchmarks.fleet.__main__ import main, simulate_one
from tests.benchmarks.fleet.measure import PHASES, Reading
from tests.benchmarks.fleet.parts import COUNTS, SOURCES, Parts, convert_measured, read_parts
from tests.benchmarks.fleet.simulate import (
    API_CORES,
    CORES,
    GPU,
    Phase,
    find_stretch,
    list_capacities,
    list_phases,
    share_machine_with_server,
    simulate,
)

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
    fast = replace(PARTS, times_real=36000.0, chunks_cpu_s=8.0, worker_cores=1.0)
    assert simulate_one(fast, list_phases(fast, 24.0), 1, 3)["bottleneck"] == CORES
    slow = replace(fast, times_real=100.0, worker_cores=8.0)
    assert simulate_one(slow, list_phases(slow, 24.0), 1, 3)["bottleneck"] == GPU


def test_workers_on_one_machine_share_its_cores() -> None:
    busy = [Phase("map", 2.0, {CORES: 3.0})]
    assert [simulate(busy, {CORES: 2.0}, workers, 4, 0.0).seconds for workers in (1, 2, 4)] == pytest.approx(
        [8.0, 6.0, 6.0]
    )


def test_what_only_waits_is_not_slowed_by_others_that_compute() -> None:
    half = [Phase("chunks", 10.0, {CORES: 5.0})]  # 5 s of computing, 5 s of waiting
    found = simulate(half, {CORES: 1.0}, workers=4, recordings=4, engine_s=0.0)
    assert found.seconds == pytest.approx(5.0 + 3 * 5.0)
    assert found.mean[CORES] == pytest.approx(1.0)
    assert found.bottleneck == CORES


@pytest.mark.parametrize("counts", [(3, 0), (1, 4), (7, 7)])
def test_computing_is_stretched_until_the_cores_are_just_in_use(counts: tuple[int, int]) -> None:
    phases = [Phase("map", 2.0, {CORES: 3.0}), Phase("chunks", 8.0, {CORES: 2.0})]
    stretch = find_stretch(counts, phases, cores=2.0)
    used = sum(
        n * p.uses[CORES] / (p.seconds * (1 + p.computing * (stretch - 1)))
        for n, p in zip(counts, phases, strict=True)
    )
    assert used == pytest.approx(2.0)


def test_a_first_recording_takes_what_starting_takes() -> None:
    phases = [Phase("start", 3.0, is_first=True), Phase("chunks", 5.0)]
    assert simulate(phases, {}, workers=2, recordings=4, engine_s=5.0).seconds == pytest.approx(3.0 + 2 * 5.0)


def test_a_server_on_the_workers_machine_takes_cores_from_them_and_uses_one_at_most() -> None:
    apart = [Phase("chunks", 4.0, {CORES: 4.0, API_CORES: 2.0})]
    alone = {CORES: 8.0, API_CORES: 1.0}
    assert simulate(apart, alone, workers=4, recordings=4, engine_s=0.0).seconds == pytest.approx(8.0)
    together = share_machine_with_server(apart)
    assert together[0].uses == {CORES: 6.0, API_CORES: 2.0}
    assert simulate(together, {CORES: 2.0, API_CORES: 9.0}, 2, 2, 0.0).seconds == pytest.approx(6.0)


def test_two_workers_beside_the_server_are_slower_than_one_on_half_the_recordings() -> None:
    parts = replace(PARTS, map_s=8.0, map_cpu_s=12.0, source_mb=0.0)
    one, two = check.predict(parts, 1, cores=2), check.predict(parts, 2, cores=2)
    assert one / 2 < two < one
    assert check.predict(parts, 2, cores=16) < two


def test_phases_use_what_the_parts_say() -> None:
    phases = {phase.name: phase for phase in list_phases(PARTS, 2.0)}
    assert {name: phase.uses[CORES] for name, phase in phases.items() if CORES in phase.uses} == pytest.approx(
        {
            "start": PARTS.start_cpu_s,
            "around": PARTS.around_cpu_s,
            "map": 2 * PARTS.map_cpu_s,
            "chunks": 2 * PARTS.chunks_cpu_s,
            "publish": 2 * PARTS.publish_cpu_s,
        }
    )
    of_server = sum(phase.uses.get(API_CORES, 0.0) for phase in phases.values())
    assert of_server == pytest.approx(2 * PARTS.server_cpu_s + PARTS.around_server_s)
    assert set(list_capacities(PARTS, 8.0)) >= {name for phase in phases.values() for name in phase.uses}


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
    assert read_parts(file) == replace(PARTS, task_runs=12.0, events=48.0, requests=40.0)
    file.write_text(json.dumps({"gpus": 3}))
    with pytest.raises(SystemExit, match="no such part: gpus; there are times_real"):
        read_parts(file)


def test_measured_seconds_become_those_of_an_hour_without_the_engines() -> None:
    found = dict.fromkeys((*COUNTS, "storage_writes", "storage_lists", "start_s", "start_cpu_s"), 6.0)
    found |= {f"{phase}_{what}": 1.0 for phase in PHASES for what in ("s", "cpu_s", "server_s")}
    found |= {"recorded_s": 1800.0, "times_real": 100.0, "chunks_s": 20.0, "publish_s": 3.0, "bytes_read": 1e6,
              "bytes_written": 2e6}  # fmt: skip
    parts = convert_measured(found)
    assert (parts["map_s"], parts["publish_s"], parts["chunks_cpu_s"], parts["server_cpu_s"]) == (2.0, 10.0, 2.0, 6.0)
    assert (parts["around_s"], parts["around_server_s"], parts["start_s"]) == (1.0, 1.0, 6.0)  # of a recording
    assert (parts["requests"], parts["storage_writes"], parts["storage_mb"]) == (12.0, 24.0, 6.0)
    assert Parts().merge(parts)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_processor_time_is_that_of_this_process_and_its_children_without_the_server() -> None:
    busy = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True); sys.stdin.read()"
    before = Reading.take(None)
    server, other = (
        subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    for each in (server, other):
        assert each.stdout is not None
        assert each.stdout.readline() == "done\n"
    after = Reading.take(server.pid)
    tick_s = 0.05  # /proc counts in hundredths
    assert after.server_s >= 0.3 - tick_s
    assert 0.3 - tick_s <= after.cpu_s - before.cpu_s < 0.6 - tick_s
    for each in (server, other):
        each.communicate()
    assert Reading.take(None).cpu_s - before.cpu_s >= 0.6 - tick_s  # of children that have ended, too


def test_every_default_is_measured_or_said_to_be_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    figures = main(["--quick"])
    said = capsys.readouterr().out
    assert [fleet["gpus"] for fleet in figures["fleets"]] == [1, 10, 100, 1000]
    assert all(name in said for name in asdict(PARTS))
    assert all(source in said for source in SOURCES)


def test_nothing_is_compared_with_a_machine_that_has_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check.os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    assert check.check() == {"refused": "the machine has other work (load 3.0, at most 0.5)"}
