"""Many small recordings in the inbox, some of them broken: `python -m tests.benchmarks.soak`.

All are put there at once and taken by one `daylong watch --once` with the demo weights. Told are what became of them,
the seconds that each took, and the memory of the watching process with its engines, and of Prefect's server, when a
tenth, half and all of them were done.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from tasks.intake.ledger import read_only
from tests.benchmarks import frame
from tests.benchmarks.processes import SERVER, programs, resident_mb

ROOT = Path(__file__).resolve().parents[2]
LENGTH_S = 4.0
BROKEN_EVERY = 20
"""One in so many: 5 %."""
ENOUGH_S = 60.0
"""A file that takes longer than this has got stuck."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = frame.options(__doc__)
    parser.add_argument("--files", type=int, metavar="N", help="so many [1000; 40 with --quick]")
    given = parser.parse_args(arguments)
    count = given.files or (40 if given.quick else 1000)
    with tempfile.TemporaryDirectory(prefix="daylong-soak-") as folder:
        home = Path(folder) / "home"
        good, broken = put(home / "data" / "inbox", count)
        status, seconds, memory = watched(home, count)
        became = found(home)
    lost = (good | broken) - set(became)
    wrong = {n for n, place in became.items() if (place == "quarantine") != (n in broken)}
    rows = [
        ["files, of which broken", f"{count:,}", f"{len(broken):,}"],
        ["done", sum(p == "done" for p in became.values()), f"{len(good):,} expected"],
        ["quarantined", sum(p == "quarantine" for p in became.values()), f"{len(broken):,} expected"],
        ["lost, twice or in the wrong place", len(lost) + len(wrong), "0 expected"],
        ["seconds a file", seconds / count, f"{seconds:,.0f} s in all, exit status {status}"],
        *[
            [f"memory, {when}", f"{mb['run and engines']:,.0f} MB", f"Prefect's server {mb['server']:,.0f} MB"]
            for when, mb in memory.items()
        ],
    ]
    frame.show(f"{count:,} files of {LENGTH_S:.0f} s in the inbox", ["", "", ""], rows)
    figures = {
        "files": count,
        "broken": len(broken),
        "became": Counter(became.values()),
        "lost": sorted(lost),
        "wrong": sorted(wrong),
        "seconds": seconds,
        "memory_mb": memory,
        "status": status,
    }
    frame.write(given.json, figures)
    return 1 if lost or wrong else 0


def put(inbox: Path, count: int) -> tuple[set[str], set[str]]:
    """Names of (good, broken) files, all of different content: talk from the sample with some noise of its own."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    inbox.mkdir(parents=True)
    dice = np.random.default_rng(6)
    good, broken = set(), set()
    for i in range(count):
        if i % BROKEN_EVERY == BROKEN_EVERY - 1:
            name = f"{i:05d} broken.wav"
            (inbox / name).write_bytes(b"RIFF" + dice.bytes(2_000 + i))
            broken.add(name)
            continue
        start_s = 2.1 * i % 2_100
        talk = decode(sample(), Span(start_s, start_s + LENGTH_S))
        noise = dice.standard_normal(len(talk)).astype(np.float32) * 0.001
        soundfile.write(inbox / f"{i:05d}.flac", talk + noise, 16_000)
        good.add(f"{i:05d}.flac")
    return good, broken


def watched(home: Path, count: int) -> tuple[int, float, dict[str, dict[str, float]]]:
    """(exit status, seconds, megabytes by when) of one `daylong watch --once`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_"))}
    settings = ("inbox.settle_seconds=1", "inbox.patience_minutes=0")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.faults.daylong", "watch", "--once", "--profile", "demo"),
            *(word for setting in settings for word in ("--set", setting)),
        ],
        cwd=ROOT,
        env=clean | {"DAYLONG_HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    began = changed = time.monotonic()
    seen: list[tuple[int, tuple[float, float]]] = []
    try:
        while process.poll() is None:
            time.sleep(0.5)
            done = filed(home)
            if not seen or done > seen[-1][0]:
                changed = time.monotonic()
            elif time.monotonic() - changed > 5 * ENOUGH_S:
                break
            seen.append((done, taken_mb(process.pid)))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    seconds = time.monotonic() - began

    def around(fraction: float, which: int) -> float:
        near = [mb[which] for done, mb in seen if abs(done / count - fraction) <= 0.05 and mb[which]]
        return statistics.median(near) if near else float("nan")

    moments = {"a tenth done": 0.1, "half": 0.5, "all": 0.98}
    memory = {when: {"run and engines": around(at, 0), "server": around(at, 1)} for when, at in moments.items()}
    return process.returncode, seconds, memory


def filed(home: Path) -> int:
    """How many recordings have come to an end."""
    ledger = read_only(home / "data" / "inbox" / ".ledger.sqlite3")
    if ledger is None:
        return 0
    with ledger as reader:
        return sum(n for state, n in reader.counts().items() if state not in ("claimed", "returned"))


def found(home: Path) -> dict[str, str]:
    """Where each file lies now; "twice" where there are two of it."""
    places: dict[str, str] = {}
    for place in ("inbox", "done", "quarantine"):
        for file in (home / "data" / place).rglob("[0-9]*.*"):
            places[file.name] = "twice" if file.name in places else place
    return places


def taken_mb(pid: int) -> tuple[float, float]:
    """Memory in use: of the process and its engines; of Prefect's server."""
    own = server = 0.0
    for each, words in programs(pid):
        if SERVER in words:
            server += resident_mb(each)
        else:
            own += resident_mb(each)
    return own, server


if __name__ == "__main__":
    sys.exit(main())
