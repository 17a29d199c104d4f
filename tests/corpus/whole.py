"""All kinds of files in one folder, through one `daylong run`: each has a transcript or its own line, and none stops
the others."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tasks.dataset.read import recordings
from tasks.paths import format_path
from tests.benchmarks.processes import SERVER, programs, resident_mb
from tests.corpus import KINDS, CannotBeMade, Kind

LIMIT_S = 3600.0
_PROGRESS = re.compile(r"\d+ of \d+  ")


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a file. `outcome`: success, partial, refused; or lost, with neither a transcript nor a line."""

    outcome: str
    lines: tuple[str, ...] = ()
    words: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """What became of all, by their kinds."""

    became: dict[str, Became]
    status: int
    took_s: float
    peak_mb: float
    said: str


def run_all(folder: Path, kinds: Iterable[Kind] | None = None) -> Command:
    """Make the kinds in a folder and run `daylong` on it, with everything it writes beside.

    Kinds that change while they are read are left out: nobody can tell when that is here.
    """
    made: dict[str, Path] = {}
    source, out = folder / "in", folder / "out"
    source.mkdir()
    wanted = [k for k in kinds or KINDS.values() if k.meanwhile is None]
    for kind in wanted:
        with contextlib.suppress(CannotBeMade):
            made[kind.name] = kind.make(source)
    if len(set(made.values())) < len(made):
        raise ValueError("two kinds have the same name: one wrote over the other")
    # What a folder's recordings don't include is named.
    named = [str(made[k.name]) for k in wanted if k.name in made and not k.listed]
    command = [sys.executable, "-c", "from flows.cli.main import main; main()", "run", str(source), *named]
    told = folder / "told"
    began = time.monotonic()
    with told.open("w") as file:
        process = subprocess.Popen(
            [*command, "--profile", "demo", "--out", str(out)],
            stdout=subprocess.DEVNULL, stderr=file, cwd=Path(__file__).parents[2],
            env=os.environ | {"DAYLONG_HOME": str(folder / "home")},
        )  # fmt: skip
        peak_mb = _watched(process, began + LIMIT_S)
    said = told.read_text(errors="replace")
    rows = {row["source_name"]: row for row in recordings(out)}
    became = {name: _became(path, rows, said) for name, path in made.items()}
    return Command(became, process.returncode, time.monotonic() - began, peak_mb, said)


def _became(path: Path, rows: dict[str, dict[str, object]], said: str) -> Became:
    row = rows.get(os.fsencode(path.name).decode("utf-8", "replace"))
    mark = f"/{format_path(path.name)}: "
    lines = tuple(line for line in said.splitlines() if mark in line and not _PROGRESS.match(line))
    if row is None:
        return Became("refused" if lines else "lost", lines)
    return Became("success" if row["status"] == "complete" else "partial", lines, int(str(row["num_words"])))


def _watched(process: subprocess.Popen[bytes], until: float) -> float:
    """The most memory in MB that the process and its engines had resident at a time, once it has ended; it is ended
    where it takes too long."""
    peak_mb = 0.0
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
            process.wait()
        held = sum(resident_mb(pid) for pid, words in programs(process.pid) if SERVER not in words)
        peak_mb = max(peak_mb, held)
        time.sleep(0.5)
    return peak_mb
