"""Engines in several processes: × real time and memory of a recording by their number (`models.processes`).

Simulated: engines that take the time of a device of 100 × real time, one of these a process, for 1–8 devices
(`tests.simulation.engines`); everything else is real. `chunks` is the stage that the devices share; the whole run
has the speech map, linking and publishing beside it. `share of linear`: one device's time over n times that of n.
A second table has the seconds of each stage, a recorded hour, and the share of the run's time in which the devices
had nothing to do: of all of it, and of the chunks' stage (a device is busy for what its engines were asked to take).
Real: the weights of a profile on this machine's cores, each number of processes in a fresh run (Linux alone).
--quick: half an hour, for 1, 2 and 4 devices, and no real weights.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.day.fresh import run_fresh
from tests.benchmarks.orchestration import keeping_results_in
from tests.benchmarks.repeated_sample import repeat_sample

DEVICES = (1, 2, 4, 8)
STAGES = ("probe", "speech map", "plan", "language", "chunks", "linking", "seams", "merging", "publishing")
"""Of a run without translation, in order."""
CHUNK_MIN = 2.0
"""Short chunks: with n devices, up to n − 1 of them have nothing left to do during the last one."""
REAL_CHUNKING = {"min_minutes": 1.0, "max_minutes": 1.5, "overlap_s": 20}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument(
        "--hours", type=float, default=2.0, metavar="N", help="of the sample, repeated, for the simulated part [2]"
    )
    parser.add_argument("--chunk-minutes", type=float, default=CHUNK_MIN, metavar="N", help="at least [2]")
    parser.add_argument("--times-real", type=float, default=100.0, metavar="N", help="speed of a device [100]")
    parser.add_argument("--real", type=Path, metavar="FILE", help="a recording for the real weights [none]")
    parser.add_argument("--profile", default="light", help="their profile [light]")
    parser.add_argument("--only-real", action="store_true", help="leave the simulated part out")
    given = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    if not given.only_real:
        numbers = [n for n in DEVICES if not given.quick or n <= 4]
        with tempfile.TemporaryDirectory(prefix="daylong-parallel-") as folder:
            source = repeat_sample(Path(folder), 0.5 if given.quick else given.hours)
            figures["simulated"] = [
                simulate(source, number, given.times_real, given.chunk_minutes) for number in numbers
            ]
        show_simulated(figures["simulated"], given.times_real)
        show_stages(figures["simulated"])
    if given.real is not None and not given.quick:
        figures["real"] = [measure(given.real, number, given.profile) for number in (1, 2)]
        show_real(figures["real"], given.real)
    frame.write(given.json, figures)
    return figures


def simulate(path: Path, devices: int, times_real: float, chunk_minutes: float) -> dict[str, Any]:
    """Seconds of the stages of one run with so many simulated devices."""
    from flows.process_recording import process_recording
    from flows.reporting.progress import Snapshot, subscribe
    from tasks.engines.calls import default_pool
    from tests.simulation.engines import register_simulated, sum_device_time

    began: dict[str, float] = {}

    def listen(now: Snapshot) -> None:
        began.setdefault(now.stage, time.monotonic())

    with (
        tempfile.TemporaryDirectory(prefix="daylong-parallel-") as folder,
        register_simulated(Path(folder), times_real) as settings,
        subscribe(listen),
        keeping_results_in(Path(folder) / "results"),
        sum_device_time() as read_busy_s,
    ):
        given: Any = {
            **settings, "out": f"{folder}/out", "cache": {"store": f"{folder}/store"},
            "chunking": {"min_minutes": chunk_minutes, "max_minutes": 1.5 * chunk_minutes, "overlap_s": 10},
            "models": {"processes": devices},
        }  # fmt: skip
        called = time.monotonic()
        outcome = process_recording(str(path), given)
        ended = time.monotonic()
        default_pool.unload()
        busy_s = read_busy_s()
    assert outcome["status"] == "complete"
    assert outcome["steps_cached"] == 0
    return {
        "devices": devices, "recorded_s": outcome["duration_s"], "chunks": outcome["num_chunks"],
        "chunks_s": began["linking"] - began["chunks"], "run_s": began["done"] - began["probe"],
        "stages_s": measure_stages(began), "busy_s": busy_s,
        "start_s": began["probe"] - called, "end_s": ended - began["done"],
    }  # fmt: skip


def measure_stages(began: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each stage, from when each began; "done" ends the last."""
    return {a: began[b] - began[a] for a, b in pairwise((*STAGES, "done"))}


def compute_idle_share(busy_s: float, devices: int, wall_s: float) -> float:
    """Share of so many devices' time in which they had nothing to do, 0–1. `busy_s`: of all of them together."""
    return max(0.0, 1.0 - busy_s / (devices * wall_s))


def measure(path: Path, processes: int, profile: str) -> dict[str, Any]:
    """Seconds and MiB of one run with real weights in so many processes."""
    from tasks.settings.home import home

    with tempfile.TemporaryDirectory(prefix="daylong-parallel-") as folder:
        own = Path(folder) / "home"
        (own / "data").mkdir(parents=True)
        (own / "data" / "models").symlink_to(home() / "data" / "models")
        settings = {"profile": profile, "chunking": REAL_CHUNKING, "models": {"processes": processes}}
        job = {"do": "flow", "source": str(path.resolve()), "out": str(own / "out"), "settings": settings}
        ended = run_fresh("tests.benchmarks.day.child", job, own)
    if ended.answer is None:
        raise SystemExit(ended.error)
    began = {name: at for name, at, _ in reversed(ended.answer["heard"]["stages"])}
    return {
        "processes": processes, "recorded_s": ended.answer["outcome"]["duration_s"],
        "chunks": ended.answer["outcome"]["num_chunks"], "chunks_s": began["linking"] - began["chunks"],
        "run_s": began["done"] - began["probe"], "peak_mb": ended.peak_mb, "own_mb": ended.own_mb,
    }  # fmt: skip


def show_simulated(found: Sequence[dict[str, Any]], times_real: float) -> None:
    one = found[0]
    frame.show(
        f"{one['recorded_s'] / 3600:g} h in {one['chunks']} chunks, simulated devices of {times_real:g} ×",
        ["devices", "chunks, s", "× real time", "share of linear", "whole run, s", "× real time"],
        [
            [
                str(f["devices"]),
                f["chunks_s"],
                round(f["recorded_s"] / f["chunks_s"]),
                one["chunks_s"] / f["chunks_s"] / f["devices"],
                f["run_s"],
                round(f["recorded_s"] / f["run_s"]),
            ]
            for f in found
        ],
    )


def show_stages(found: Sequence[dict[str, Any]]) -> None:
    hours = found[0]["recorded_s"] / 3600
    idle = "share of the devices' time without work"
    frame.show(
        "Seconds of the stages, a recorded hour",
        ["stage", *(f"{f['devices']} device{'s' * (f['devices'] > 1)}" for f in found)],
        [
            ["start of the flow", *(f["start_s"] / hours for f in found)],
            *([stage, *(f["stages_s"][stage] / hours for f in found)] for stage in STAGES),
            ["end of the flow", *(f["end_s"] / hours for f in found)],
            [f"{idle}, whole run", *(compute_idle_share(f["busy_s"], f["devices"], f["run_s"]) for f in found)],
            [f"{idle}, chunks", *(compute_idle_share(f["busy_s"], f["devices"], f["chunks_s"]) for f in found)],
        ],
    )


def show_real(found: Sequence[dict[str, Any]], path: Path) -> None:
    one = found[0]
    frame.show(
        f"{path.name}, {one['recorded_s'] / 60:.1f} min in {one['chunks']} chunks, real weights",
        ["processes", "chunks, s", "× real time", "speed-up", "whole run, s", "peak memory, run and engines, MB"],
        [
            [
                str(f["processes"]),
                f["chunks_s"],
                f["recorded_s"] / f["chunks_s"],
                one["chunks_s"] / f["chunks_s"],
                f["run_s"],
                round(f["peak_mb"]),
            ]
            for f in found
        ],
    )


if __name__ == "__main__":
    main()
