"""How much does each speaker talk in each hour?

Hours are counted from the recording's start; `begins_at` says when each began, where that is known. A turn counts for
the hour in which it begins.

    python data/recipes/questions/talk_time_by_hour.py data/transcripts
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path) -> pd.DataFrame:
    turns = pd.read_parquet(out / "turns", columns=["recording_id", "run_id", "speaker", "start_s", "end_s"])
    recordings = pd.read_parquet(out / "recordings", columns=["recording_id", "run_id", "recorded_at"])
    turns = turns.merge(recordings, on=["recording_id", "run_id"])
    turns["hour"] = (turns["start_s"] // 3600).astype(int)
    turns["begins_at"] = turns["recorded_at"] + pd.to_timedelta(turns["hour"], unit="h")
    turns["minutes"] = (turns["end_s"] - turns["start_s"]) / 60
    keys = ["recording_id", "hour", "begins_at", "speaker"]
    return turns.groupby(keys, dropna=False)["minutes"].sum().round(3).reset_index()


def with_polars(out: Path) -> pl.DataFrame:
    hour = (pl.col("start_s") // 3600).cast(pl.Int64)
    return (
        pl.scan_parquet(out / "turns")
        .join(pl.scan_parquet(out / "recordings"), on=["recording_id", "run_id"])
        .group_by(
            "recording_id",
            hour.alias("hour"),
            (pl.col("recorded_at") + pl.duration(hours=hour)).alias("begins_at"),
            "speaker",
        )
        .agg(((pl.col("end_s") - pl.col("start_s")).sum() / 60).round(3).alias("minutes"))
        .sort("recording_id", "hour", "speaker")
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1])).to_string(index=False))
    print(with_polars(Path(sys.argv[1])))
