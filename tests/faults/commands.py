"""`daylong run` in a process of its own, that can be killed; and what came out of it."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.daylong import KEPT

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("chunking.min_minutes=0.5", "chunking.max_minutes=0.8", "chunking.overlap_s=10")
CHANGING = ("run_id", "processed_at", "wall_s")
COSTS = ("_s", "_cached", "_wait_s", "_peak_mb")


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    """Negative: killed by that signal."""
    seconds: float
    said: str
    """stderr."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run keeps everything: `home` for results and cache, `prefect` for the server's database."""

    home: Path
    prefect: Path

    @classmethod
    def under(cls, folder: Path) -> Place:
        place = cls(folder / "home", folder / "prefect")
        place.home.mkdir(parents=True, exist_ok=True)
        place.prefect.mkdir(parents=True, exist_ok=True)
        return place

    @property
    def out(self) -> Path:
        return self.home / "data" / "transcripts"

    @property
    def cache(self) -> Path:
        return self.home / "data" / "cache"


def started(source: Path, place: Place, *more: str) -> subprocess.Popen[str]:
    """The run, with `more` settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_"))}
    settings = [word for setting in (*SMALL, *more) for word in ("--set", setting)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.daylong", "run", str(source), "--profile", "demo", *settings],
        cwd=ROOT,
        env=clean | {"DAYLONG_HOME": str(place.home), "PREFECT_HOME": str(place.prefect), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str], limit_s: float = 600.0) -> Ended:
    began = time.monotonic()
    try:
        _, said = process.communicate(timeout=limit_s)
    finally:
        bury(process)
    return Ended(process.returncode, time.monotonic() - began, said)


def run(source: Path, place: Place) -> Ended:
    return finished(started(source, place))


def stopped(source: Path, place: Place, after_s: float, number: signal.Signals = signal.SIGKILL) -> Ended:
    """The run, sent a signal after so many seconds (to itself alone, not its children), if it lasts so long."""
    process = started(source, place)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    return finished(process, limit_s=60.0)


def left_over(process_group: int) -> list[int]:
    """Processes that the run has started and that are still there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == process_group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def engines_of(process: subprocess.Popen[str]) -> int | None:
    """The id of the process that holds the run's engines, once it has loaded any."""
    for pid in left_over(process.pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            libraries = Path(f"/proc/{pid}/maps").read_text(errors="replace")
        except OSError:
            continue
        if b"tasks.engines.child_main" in words and "libtorch" in libraries:
            return pid
    return None


def bury(process: subprocess.Popen[str]) -> None:
    """End what a killed run has left behind, as a reboot would."""
    for pid in left_over(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def exports(place: Place) -> dict[str, bytes]:
    """All of them; the report without the way to its sound, which is another from every place."""
    folder = place.out / "exports"
    files = {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}
    return {name: re.sub(rb'"src":"[^"]*"', b'"src":null', held) for name, held in files.items()}


def tables(place: Place) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, without what is of a run and not of its result."""
    import pyarrow.parquet as pq

    found = {}
    for file in sorted(place.out.glob("*/recorded_date=*/*.parquet")):
        rows = pq.read_table(file, partitioning=None).to_pylist()
        found[file.parent.parent.name] = [{k: v for k, v in row.items() if not _of_the_run(k, row)} for row in rows]
    return found


def _of_the_run(column: str, row: dict[str, Any]) -> bool:
    steps = [column[: -len(end)] for end in COSTS if column.endswith(end)]
    return column in CHANGING or any(f"{step}_cached" in row for step in steps)


def unfinished_files(place: Place) -> list[str]:
    """Files that only a run that is under way should have."""
    return [str(f.relative_to(place.home)) for f in place.home.rglob("*") if f.is_file() and f.name.startswith(".")]


def completed(place: Place) -> dict[str, int]:
    """How often a result of each step was kept (what came from the cache isn't counted)."""
    return dict(Counter((place.home / KEPT).read_text().split()))


def run_states(place: Place) -> list[str]:
    """What Prefect believes of each run, in the order of their starts."""
    with sqlite3.connect(f"file:{place.prefect / 'prefect.db'}?mode=ro", uri=True) as database:
        rows = database.execute("select state_type from flow_run order by start_time").fetchall()
    return [str(state) for (state,) in rows]


def records(place: Place) -> dict[str, int]:
    """Results in the cache, by step."""
    counts: dict[str, int] = {}
    for file in (place.cache / "results").glob("*/v*/*"):
        step = file.parent.parent.name
        counts[step] = counts.get(step, 0) + 1
    return counts
