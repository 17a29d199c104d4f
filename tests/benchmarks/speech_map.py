"""The speech map by its number of threads: seconds a recorded hour, processor time and memory, in one run.

Silero runs in a child process, as in a run; decoding in this one. `decoding` alone is what no number of threads goes
below. Peaks are of the process so far: a row is compared with the one above. Linux alone. --quick: a quarter of an
hour.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.benchmarks import frame
from tests.benchmarks.processes import peak_mb
from tests.benchmarks.repeated_sample import repeat_sample

THREADS = (1, 2, 4, 8)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--hours", type=float, default=1.0, metavar="N", help="of the sample, repeated [1]")
    parser.add_argument("--threads", type=int, nargs="*", default=THREADS, metavar="N", help="[1 2 4 8]")
    given = parser.parse_args(arguments)
    hours = 0.25 if given.quick else given.hours
    with tempfile.TemporaryDirectory(prefix="daylong-map-") as folder:
        figures = measure(repeat_sample(Path(folder), hours), given.threads, Path(folder))
    one = figures["maps"][0]["wall_s"]
    frame.show(
        f"Speech map of {hours:g} h; decoding alone {figures['decoding_s'] / hours:.1f} s a recorded hour",
        ["threads", "s a recorded hour", "speed-up", "CPU s: Silero", "the rest", "peak MB: Silero", "the rest"],
        [
            [
                str(f["threads"]), f["wall_s"] / hours, one / f["wall_s"], f["child_cpu_s"] / hours,
                f["own_cpu_s"] / hours, round(f["child_mb"]), round(f["own_mb"]),
            ]
            for f in figures["maps"]
        ],
    )  # fmt: skip
    frame.write(given.json, figures)
    return figures


def measure(path: Path, threads: Sequence[int], folder: Path) -> dict[str, Any]:
    """Seconds of decoding alone, and of the map with each number of threads; all maps must be the same."""
    from tasks.audio import detectors
    from tasks.audio.decode import load, reference_audio, stream
    from tasks.audio.probe import probe
    from tasks.audio.task import MapJob, Watcher, map_speech
    from tasks.engines.calls import EnginePool, Placement
    from tasks.step import StepContext
    from tasks.storage.artifacts import ArtifactStore

    recording, pool = probe(path), EnginePool(Placement(run_in="child"))
    place = StepContext(ArtifactStore(str(folder)), load, engines=pool)
    pool.call(detectors.SILERO, "find_speech", np.ones(16_000, np.float32))
    (pid,) = map(int, _list_children())
    began = time.perf_counter()
    for _block in stream(path):
        pass
    decoding_s, maps, found = time.perf_counter() - began, [], set()
    for number in threads:
        child_cpu, own_cpu, began = _read_cpu_s(pid), time.process_time(), time.perf_counter()
        with patch.object(detectors, "count_cores", lambda number=number: number):
            mapped = map_speech.fn(
                MapJob(reference_audio(recording), recording.duration_s), place, Watcher(lambda _: None)
            )
        found.add(mapped["digest"])
        maps.append({
            "threads": number, "wall_s": time.perf_counter() - began, "child_cpu_s": _read_cpu_s(pid) - child_cpu,
            "own_cpu_s": time.process_time() - own_cpu, "child_mb": peak_mb(pid), "own_mb": peak_mb(),
        })  # fmt: skip
    pool.unload()
    assert len(found) == 1
    return {"decoding_s": decoding_s, "maps": maps}


def _list_children() -> list[str]:
    """Ids of the processes that this one has started."""
    return [
        pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text(encoding="utf-8").split()
    ]


def _read_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
