"""Several recordings at a time on one device: the share of its time in which it waits, by how many runs it serves.

The engines are simulated (`tests.simulation.engines`: a device of 100 × real time); everything else is real. While
one recording's speech is mapped, or its tables are written, the device works for another. The runs are threads of one
process, as those of `daylong serve`; runs in processes of their own share a device with `models.run_in = shared`.
No two recordings have the same sound. A short one before them starts Prefect's server and loads the engines, which
does not count. --quick: two of a tenth of an hour.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.orchestration import keeping_results_in
from tests.benchmarks.parallel import compute_idle_share
from tests.benchmarks.repeated_sample import repeat_sample

SHIFT_S = 97.0
"""By so much later in the sample than the one before it does a recording begin."""
FIRST_H = 0.02


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--recordings", type=int, default=4, metavar="N", help="[4]")
    parser.add_argument("--hours", type=float, default=0.5, metavar="N", help="of each [0.5]")
    parser.add_argument("--at-once", type=int, nargs="+", default=(1, 2, 3), metavar="N", help="runs [1 2 3]")
    parser.add_argument("--times-real", type=float, default=100.0, metavar="N", help="speed of the device [100]")
    given = parser.parse_args(arguments)
    count, hours = (2, 0.1) if given.quick else (given.recordings, given.hours)
    with tempfile.TemporaryDirectory(prefix="daylong-side-by-side-") as folder:
        first, *sources = [
            repeat_sample(Path(folder), hours if number else FIRST_H, SHIFT_S * number) for number in range(count + 1)
        ]
        found = [measure(first, sources, at_once, given.times_real) for at_once in given.at_once]
    frame.show(
        f"{count} recordings of {hours:g} h, one simulated device of {given.times_real:g} ×",
        ["runs at a time", "seconds", "× real time", "share of the device's time without work"],
        [
            [
                str(f["at_once"]),
                f["wall_s"],
                f["recorded_s"] / f["wall_s"],
                compute_idle_share(f["busy_s"], 1, f["wall_s"]),
            ]
            for f in found
        ],
    )
    frame.write(given.json, {"found": found})
    return {"found": found}


def measure(first: Path, sources: Sequence[Path], at_once: int, times_real: float) -> dict[str, Any]:
    """Seconds of the runs of all recordings, `at_once` at a time, and of the device's work."""
    from flows.process_recording import process_recording
    from tasks.engines.calls import default_pool
    from tests.simulation.engines import register_simulated, sum_device_time

    with (
        tempfile.TemporaryDirectory(prefix="daylong-side-by-side-") as folder,
        register_simulated(Path(folder), times_real) as settings,
        keeping_results_in(Path(folder) / "results"),
        sum_device_time() as read_busy_s,
        ThreadPoolExecutor(at_once) as threads,
    ):
        given: Any = {**settings, "out": f"{folder}/out", "cache": {"store": f"{folder}/store"}}
        process_recording(str(first), given)
        began, busy_s = time.monotonic(), read_busy_s()
        outcomes = list(threads.map(lambda path: process_recording(str(path), given), sources))
        wall_s, busy_s = time.monotonic() - began, read_busy_s() - busy_s
        default_pool.unload()
    assert all(outcome["status"] == "complete" for outcome in outcomes)
    return {
        "at_once": at_once, "recorded_s": sum(outcome["duration_s"] for outcome in outcomes), "wall_s": wall_s,
        "busy_s": busy_s,
    }  # fmt: skip


if __name__ == "__main__":
    main()
