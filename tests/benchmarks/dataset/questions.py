"""What is asked, in DuckDB, pandas and Polars, in a process of its own: seconds, and bytes that came from the disk.

    python -m tests.benchmarks.dataset.questions OUT QUESTION WAY DAYS

Bytes are those of /proc/self/io's `read_bytes`: what the kernel fetched from the disk for this process, by reading or
by mapping, ahead or on demand. They count only where the files were not in memory before; the caller sees to it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.dataset.year import FIRST_DAY, RARE, dates, recording_of

VOICE = "voice-07"


def middle(days: int) -> Any:
    return dates(days)[days // 2]


def month(days: int) -> tuple[Any, Any]:
    """The first and the last of the 30 days around the middle, or of all there are."""
    first = max(FIRST_DAY, middle(days) - timedelta(days=15))
    return first, min(dates(days)[-1], first + timedelta(days=29))


COUNTED = "count(*), sum(end_s - start_s)"


def duckdb_sql(question: str, days: int) -> str:
    day, (first, last) = middle(days), month(days)
    return {
        "one recording": f"select * from words where recording_id = '{recording_of(day)}'",
        "one day": f"select speaker, {COUNTED} from words where recorded_date = '{day}' group by speaker",
        "ten minutes": "select word, speaker, start_s, end_s from words "
        f"where recording_id = '{recording_of(day)}' and recorded_date = '{day}' and start_s between 40000 and 40600",
        "speaker, a month": f"select recorded_date, {COUNTED}, avg(w.confidence) "
        "from words w join speakers s using (recording_id, run_id, speaker, recorded_date) "
        f"where s.voice_id = '{VOICE}' and recorded_date between '{first}' and '{last}' group by recorded_date",
        "full-text search": f"select recording_id, start_s, speaker, word from words where word_raw = '{RARE}'",
    }[question]


def by_duckdb(out: Path, question: str, days: int) -> int:
    from tasks.dataset.views import ask, connect

    with connect(out) as db:
        _, batches = ask(db, duckdb_sql(question, days))
        return sum(batch.num_rows for batch in batches)


def by_pandas(out: Path, question: str, days: int) -> int:
    import pandas as pd

    def words(columns: list[str] | None, *filters: Any) -> Any:
        return pd.read_parquet(out / "words", columns=columns, filters=list(filters))

    day, (first, last) = middle(days), month(days)
    whose, of_day = ("recording_id", "==", recording_of(day)), ("recorded_date", "==", str(day))
    if question == "one recording":
        return len(words(None, whose))
    if question == "one day":
        found = words(["speaker", "start_s", "end_s"], of_day)
        return len(found.assign(s=found["end_s"] - found["start_s"]).groupby("speaker")["s"].agg(["size", "sum"]))
    if question == "ten minutes":
        return len(
            words(
                ["word", "speaker", "start_s", "end_s"],
                whose,
                of_day,
                ("start_s", ">=", 40000),
                ("start_s", "<=", 40600),
            )
        )
    if question == "full-text search":
        return len(words(["recording_id", "start_s", "speaker", "word"], ("word_raw", "==", RARE)))
    dated = [("recorded_date", ">=", str(first)), ("recorded_date", "<=", str(last))]
    keys = ["recording_id", "run_id", "speaker"]
    named = pd.read_parquet(out / "speakers", columns=keys, filters=[*dated, ("voice_id", "==", VOICE)])
    found = words([*keys, "recorded_date", "start_s", "end_s", "confidence"], *dated).merge(named, on=keys)
    return len(found.groupby("recorded_date", observed=True).agg({"start_s": "size", "confidence": "mean"}))


def by_polars(out: Path, question: str, days: int) -> int:
    import polars as pl

    def scan(table: str) -> Any:
        return pl.scan_parquet(out / table, hive_partitioning=True)

    day, (first, last) = middle(days), month(days)
    whose, of_day = pl.col("recording_id") == recording_of(day), pl.col("recorded_date") == day
    words, spoken = scan("words"), (pl.col("end_s") - pl.col("start_s")).sum()
    asked = {
        "one recording": lambda: words.filter(whose),
        "one day": lambda: words.filter(of_day).group_by("speaker").agg(pl.len(), spoken),
        "ten minutes": lambda: words.filter(whose, of_day, pl.col("start_s").is_between(40000, 40600)).select(
            "word", "speaker", "start_s", "end_s"
        ),
        "full-text search": lambda: words.filter(pl.col("word_raw") == RARE).select(
            "recording_id", "start_s", "speaker", "word"
        ),
        "speaker, a month": lambda: (
            words.filter(pl.col("recorded_date").is_between(first, last))
            .join(
                scan("speakers").filter(pl.col("voice_id") == VOICE),
                on=["recording_id", "run_id", "speaker", "recorded_date"],
                how="semi",
            )
            .group_by("recorded_date")
            .agg(pl.len(), spoken, pl.col("confidence").mean())
        ),
    }
    return int(asked[question]().collect().height)


WAYS: dict[str, Callable[[Path, str, int], int]] = {"DuckDB": by_duckdb, "pandas": by_pandas, "Polars": by_polars}
QUESTIONS = ["one recording", "one day", "ten minutes", "speaker, a month", "full-text search"]


def read_bytes() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("read_bytes:")).split()[1])


def main() -> None:
    out, question, way, days = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    # The libraries' own loading is not the question's.
    import duckdb
    import pandas
    import polars
    import pyarrow.dataset

    loaded = (duckdb, pandas, polars, pyarrow.dataset)
    before, begun = read_bytes(), time.perf_counter()
    rows = WAYS[way](out, question, days)
    seconds = time.perf_counter() - begun
    print(json.dumps({"rows": rows, "seconds": seconds, "bytes": read_bytes() - before, "libraries": len(loaded)}))


if __name__ == "__main__":
    main()
