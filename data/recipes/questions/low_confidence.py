"""What should somebody listen to again?

Words that the recogniser was less sure of than this, those within 5 s of each other as one stretch.

    python data/recipes/questions/low_confidence.py data/transcripts 0.5
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path, below: float) -> pd.DataFrame:
    columns = ["recording_id", "word_index", "start_s", "end_s", "word", "confidence"]
    words = pd.read_parquet(out / "words", columns=columns).sort_values(["recording_id", "word_index"])
    words = words[words["confidence"] < below]
    pause = words.groupby("recording_id")["start_s"].diff()
    words["stretch"] = (~(pause <= 5)).groupby(words["recording_id"]).cumsum()
    found = words.groupby(["recording_id", "stretch"]).agg(
        start_s=("start_s", "min"), end_s=("end_s", "max"), words=("word", " ".join), lowest=("confidence", "min")
    )
    return found.reset_index().drop(columns="stretch").round({"lowest": 3})


def with_polars(out: Path, below: float) -> pl.DataFrame:
    pause = pl.col("start_s").diff()
    return (
        pl.scan_parquet(out / "words")
        .filter(pl.col("confidence") < below)
        .sort("recording_id", "word_index")
        .with_columns((pause > 5).fill_null(True).cum_sum().over("recording_id").alias("stretch"))
        .group_by("recording_id", "stretch", maintain_order=True)
        .agg(
            pl.col("start_s").min(),
            pl.col("end_s").max(),
            pl.col("word").str.join(" ").alias("words"),
            pl.col("confidence").min().round(3).alias("lowest"),
        )
        .drop("stretch")
        .sort("recording_id", "start_s")
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1]), float(sys.argv[2])).to_string(index=False))
    print(with_polars(Path(sys.argv[1]), float(sys.argv[2])))
