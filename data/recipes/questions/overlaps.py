"""When do several speak at once?

Each turn that begins while somebody else has the floor, and for how long it lies over theirs. The floor is whose turn
ends last of all that have begun.

    python data/recipes/questions/overlaps.py data/transcripts
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path) -> pd.DataFrame:
    columns = ["recording_id", "turn_index", "speaker", "start_s", "end_s"]
    turns = pd.read_parquet(out / "turns", columns=columns).sort_values(["recording_id", "turn_index"])
    latest = turns.groupby("recording_id")["end_s"].cummax()
    turns["holder"] = turns["speaker"].where(
        turns["end_s"] > latest.groupby(turns["recording_id"]).shift().fillna(-1)
    )
    turns["holder"] = turns.groupby("recording_id")["holder"].ffill()
    turns["floor_until"] = latest.groupby(turns["recording_id"]).shift()
    turns["over_whom"] = turns.groupby("recording_id")["holder"].shift()
    found = turns[(turns["start_s"] < turns["floor_until"]) & (turns["speaker"] != turns["over_whom"])]
    found = found.assign(end_s=found[["end_s", "floor_until"]].min(axis=1)).rename(columns={"speaker": "who"})
    found = found.sort_values(["recording_id", "start_s", "end_s", "who"])
    return found[["recording_id", "start_s", "end_s", "over_whom", "who"]]


def with_polars(out: Path) -> pl.DataFrame:
    latest = pl.col("end_s").cum_max()
    takes = pl.col("end_s") > latest.shift().fill_null(-1)
    return (
        pl.scan_parquet(out / "turns")
        .sort("recording_id", "turn_index")
        .with_columns(
            latest.shift().over("recording_id").alias("floor_until"),
            pl.when(takes).then("speaker").forward_fill().shift().over("recording_id").alias("over_whom"),
        )
        .filter(pl.col("start_s") < pl.col("floor_until"), pl.col("speaker") != pl.col("over_whom"))
        .select(
            "recording_id",
            "start_s",
            pl.min_horizontal("end_s", "floor_until").alias("end_s"),
            "over_whom",
            pl.col("speaker").alias("who"),
        )
        .sort("recording_id", "start_s", "end_s", "who")
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1])).to_string(index=False))
    print(with_polars(Path(sys.argv[1])))
