"""Linking beyond a day: three days, a week and six weeks of simulated talk, and how time and memory grow with them.

Voices vary from session to session by the usual offset of `simulated_day`. Each recording is linked in a process of
its own with one thread, whose memory is told before linking begins and at its highest.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from tasks.linking.link import link
from tests.benchmarks import frame
from tests.benchmarks.simulated_day import USUAL
from tests.simulation.day import heard, simulate
from tests.simulation.score import score, turns_of

LENGTHS = ((24, 12), (72, 12), (168, 24), (1060, 24))
"""Hours and speakers; the last has ten thousand nodes."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    given = frame.options(__doc__).parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the new processes as they start
    found = []
    for hours, speakers in LENGTHS[:2] if given.quick else LENGTHS:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            found.append(alone.submit(linked, hours, speakers).result())
    columns = ["hours", "nodes", "windows", "speakers", "found", "DER %", "seconds", "MB before", "MB at most"]
    frame.show("Linking beyond a day", columns, [list(one.values()) for one in found])
    frame.write(given.json, {"recordings": found})
    return {"recordings": found}


def linked(hours: int, speakers: int) -> dict[str, Any]:
    """One recording, linked."""
    recording = simulate(speakers, 1, hours=hours)
    chunks = heard(recording, USUAL)
    before, started = _peak_mb(), time.perf_counter()
    turns = link(chunks).turns
    seconds, most = time.perf_counter() - started, _peak_mb()
    found = score(turns_of(chunks, recording.truth), turns)
    return {
        "hours": hours,
        "nodes": sum(len(c.locals) for c in chunks),
        "windows": sum(len(c.labels) for c in chunks),
        "speakers": found.real,
        "found": found.found,
        "der_percent": 100 * found.der,
        "seconds": round(seconds, 1),
        "mb_before": round(before),
        "mb_at_most": round(most),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
