"""When does nobody say a word?

Stretches without a word of at least so many seconds, also before the first and after the last.

    python data/recipes/questions/silence.py data/transcripts 30
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path, seconds: float) -> pd.DataFrame:
    words = pd.read_parquet(out / "words", columns=["recording_id", "word_index", "start_s", "end_s"])
    recordings = pd.read_parquet(out / "recordings", columns=["recording_id", "duration_s"])
    # The recording's end, as if it were one word more.
    ends = recordings.rename(columns={"duration_s": "start_s"}).assign(end_s=float("inf"), word_index=2**31 - 1)
    words = pd.concat([words, ends]).sort_values(["recording_id", "word_index"])
    latest = words.groupby("recording_id")["end_s"].cummax()
    words["from_s"] = latest.groupby(words["recording_id"]).shift().fillna(0.0)
    words["seconds"] = words["start_s"] - words["from_s"]
    gaps = words[words["seconds"] >= seconds].rename(columns={"start_s": "until_s"})
    return gaps.sort_values(["recording_id", "from_s"])[["recording_id", "from_s", "until_s", "seconds"]]


def with_polars(out: Path, seconds: float) -> pl.DataFrame:
    words = pl.scan_parquet(out / "words").select("recording_id", "word_index", "start_s", "end_s")
    # The recording's end, as if it were one word more.
    ends = pl.scan_parquet(out / "recordings").select(
        "recording_id",
        pl.lit(2**31 - 1, pl.Int32).alias("word_index"),
        pl.col("duration_s").alias("start_s"),
        pl.lit(float("inf")).alias("end_s"),
    )
    return (
        pl.concat([words, ends])
        .sort("recording_id", "word_index")
        .select(
            "recording_id",
            pl.col("end_s").cum_max().shift().over("recording_id").fill_null(0.0).alias("from_s"),
            pl.col("start_s").alias("until_s"),
        )
        .with_columns((pl.col("until_s") - pl.col("from_s")).alias("seconds"))
        .filter(pl.col("seconds") >= seconds)
        .sort("recording_id", "from_s")
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1]), float(sys.argv[2])).to_string(index=False))
    print(with_polars(Path(sys.argv[1]), float(sys.argv[2])))
