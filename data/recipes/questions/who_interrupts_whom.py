"""Who interrupts whom?

Who begins while somebody else has the floor, and is still speaking when that one has stopped. The floor is whose turn
ends last of all that have begun.

    python data/recipes/questions/who_interrupts_whom.py data/transcripts
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
    turns["whom"] = turns.groupby("recording_id")["holder"].shift()
    begins_in_it = turns["start_s"] < turns["floor_until"]
    outlasts_it = turns["end_s"] > turns["floor_until"]
    found = turns[begins_in_it & outlasts_it & (turns["speaker"] != turns["whom"])].rename(columns={"speaker": "who"})
    counted = found.groupby(["recording_id", "who", "whom"]).size().reset_index(name="times")
    return counted.sort_values(["recording_id", "times", "who", "whom"], ascending=[True, False, True, True])


def with_polars(out: Path) -> pl.DataFrame:
    latest = pl.col("end_s").cum_max()
    takes = pl.col("end_s") > latest.shift().fill_null(-1)
    return (
        pl.scan_parquet(out / "turns")
        .sort("recording_id", "turn_index")
        .with_columns(
            latest.shift().over("recording_id").alias("floor_until"),
            pl.when(takes).then("speaker").forward_fill().shift().over("recording_id").alias("whom"),
        )
        .filter(
            pl.col("start_s") < pl.col("floor_until"),
            pl.col("end_s") > pl.col("floor_until"),
            pl.col("speaker") != pl.col("whom"),
        )
        .group_by("recording_id", pl.col("speaker").alias("who"), "whom")
        .agg(pl.len().alias("times"))
        .sort("recording_id", "times", "who", "whom", descending=[False, True, False, False])
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1])).to_string(index=False))
    print(with_polars(Path(sys.argv[1])))
