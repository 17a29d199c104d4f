"""The tables of a year (365 recordings of 24 hours, 70 million words): what questions cost in DuckDB, pandas and
Polars, as the tables are published and laid out in other ways.

Each question is asked in a fresh process, of files that are not in memory: seconds without the libraries' loading,
and the bytes that the kernel fetched from the disk for it. The year is made once and kept under data/cache/benchmarks
(1.5 GB); the other layouts are made for their turn and removed (up to 2.2 GB). Linux only.

--quick: 20 days. --days N, --layout NAME (repeatable) and --times N choose less or more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tasks.dataset.schema import TABLES
from tasks.settings.home import cache
from tests.benchmarks import frame
from tests.benchmarks.dataset.layouts import LAYOUTS, PUBLISHED
from tests.benchmarks.dataset.questions import QUESTIONS, WAYS
from tests.benchmarks.dataset.year import WORDS_A_DAY, dates, recording_of, tables

FORM = 2
"""Of what is made: raised where year.py or what is published changes, so that no old year is measured."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    given = options().parse_args(arguments)
    days = given.days or (20 if given.quick else 365)
    kept = given.folder or cache() / "benchmarks"
    year = kept / f"year-{FORM}-{days}"
    make(year, days)
    figures: dict[str, Any] = {}
    for name in given.layout or list(LAYOUTS):
        out = year if name == PUBLISHED else laid(year, kept / f"other-{FORM}-{days}", name)
        try:
            figures[name] = {"gigabytes": size(out / "words") / 1e9, **asked(out, days, given.times)}
        finally:
            if out != year:
                shutil.rmtree(out)
        show(name, figures[name], days)
    agree(figures)
    frame.write(given.json, {"days": days, "words": days * WORDS_A_DAY, "layouts": figures})
    return figures


def options() -> argparse.ArgumentParser:
    parser = frame.options(__doc__)
    parser.add_argument("--days", type=int, metavar="N", help="so many days [365]")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="each question so often; the median [3]")
    parser.add_argument("--layout", action="append", choices=list(LAYOUTS), help="only this one; repeatable")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the year is kept [data/cache/benchmarks]")
    return parser


def make(year: Path, days: int) -> None:
    """The year as it would be published, a day after the other; goes on where it was interrupted."""
    for day in dates(days):
        if not place(year, "recordings", day).exists():  # written last
            held = tables(day)
            for table in sorted(TABLES, key=lambda t: t == "recordings"):
                put(place(year, table, day), LAYOUTS[PUBLISHED](held[table]))
            print(f"\r{day}", end="", file=sys.stderr, flush=True)


def laid(year: Path, out: Path, layout: str) -> Path:
    """The year's words laid out in another way, beside the year's other tables."""
    import pyarrow.parquet as pq

    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    for table in TABLES:
        if table != "words":
            (out / table).symlink_to((year / table).resolve())
    for path in sorted((year / "words").glob("*/*.parquet")):
        with pq.ParquetFile(path) as file:
            put(out / path.relative_to(year), LAYOUTS[layout](file.read()))
    return out


def asked(out: Path, days: int, times: int) -> dict[str, Any]:
    return {q: {way: once_more(out, q, way, days, times) for way in WAYS} for q in QUESTIONS}


def once_more(out: Path, question: str, way: str, days: int, times: int) -> dict[str, Any]:
    """One question, each time in a fresh process and of files that have to be fetched again: the medians."""
    runs = []
    for _ in range(times):
        forget(out)
        command = [sys.executable, "-m", "tests.benchmarks.dataset.questions", str(out), question, way, str(days)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        "rows": runs[0]["rows"],
        "seconds": median(run["seconds"] for run in runs),
        "megabytes": median(run["bytes"] for run in runs) / 1e6,
    }


def forget(out: Path) -> None:
    """Have the kernel drop the tables from its memory, so that what is read comes from the disk."""
    for table in TABLES:
        for path in (out / table).glob("*/*.parquet"):
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".writing")
    with open(aside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # what is not on the disk yet can't be forgotten
    aside.replace(path)


def place(year: Path, table: str, day: Any) -> Path:
    return year / table / f"recorded_date={day}" / f"{recording_of(day)}.parquet"


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def show(name: str, figures: dict[str, Any], days: int) -> None:
    columns = ["", *(f"{way} {what}" for way in WAYS for what in ("s", "MB"))]
    rows = [[q, *(figures[q][way][what] for way in WAYS for what in ("seconds", "megabytes"))] for q in QUESTIONS]
    words = f"{days * WORDS_A_DAY / 1e6:.1f} million words of {days} days, {figures['gigabytes']:.2f} GB"
    frame.show(f"{name}: {words}", columns, rows)


def agree(figures: dict[str, Any]) -> None:
    """All layouts and libraries found the same."""
    for question in QUESTIONS:
        found = {held[question][way]["rows"] for held in figures.values() for way in WAYS}
        if len(found) != 1:
            raise SystemExit(f"{question}: the answers differ: {sorted(found)} rows")


if __name__ == "__main__":
    main()
