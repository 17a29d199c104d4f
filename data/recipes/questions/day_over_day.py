"""How much was recorded and said each day, and how does it differ from the day before?

The day before is the last one on which something was recorded.

    python data/recipes/questions/day_over_day.py data/transcripts
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path) -> pd.DataFrame:
    columns = ["recorded_date", "recording_id", "duration_s", "speech_s", "num_words"]
    recordings = pd.read_parquet(out / "recordings", columns=columns)
    recordings["day"] = pd.to_datetime(recordings["recorded_date"].astype(str)).dt.date
    days = recordings.groupby("day").agg(
        recordings=("recording_id", "size"),
        hours=("duration_s", "sum"),
        speech_hours=("speech_s", "sum"),
        words=("num_words", "sum"),
    )
    days["hours"] = (days["hours"] / 3600).round(3)
    days["speech_hours"] = (days["speech_hours"] / 3600).round(3)
    days["change"] = days["words"].diff().astype("Int64")
    return days.reset_index()


def with_polars(out: Path) -> pl.DataFrame:
    return (
        pl.scan_parquet(out / "recordings", hive_partitioning=True)
        .group_by(pl.col("recorded_date").alias("day"))
        .agg(
            pl.len().alias("recordings"),
            (pl.col("duration_s").sum() / 3600).round(3).alias("hours"),
            (pl.col("speech_s").sum() / 3600).round(3).alias("speech_hours"),
            pl.col("num_words").cast(pl.Int64).sum().alias("words"),
        )
        .sort("day")
        .with_columns(pl.col("words").diff().alias("change"))
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1])).to_string(index=False))
    print(with_polars(Path(sys.argv[1])))
