"""What should somebody listen to again?

Words that the recogniser was less sure of than this, those within 5 s of each other as one stretch.

    python data/recipes/questions/low_confidence.py data/transcripts 0.5
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa

# Files of before the column `space_before` lack it; read by this schema, it is null there.
COLUMNS = pa.schema(
    [
        ("recording_id", pa.string()),
        ("word_index", pa.int32()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("word", pa.string()),
        ("confidence", pa.float32()),
        ("space_before", pa.bool_()),
    ]
)


def with_pandas(out: Path, below: float) -> pd.DataFrame:
    words = pd.read_parquet(out / "words", schema=COLUMNS).sort_values(["recording_id", "word_index"])
    words = words[words["confidence"] < below]
    apart = words["space_before"].ne(False) | words.groupby("recording_id")["word_index"].diff().ne(1)
    words["word"] = apart.map({True: " ", False: ""}) + words["word"]
    pause = words.groupby("recording_id")["start_s"].diff()
    words["stretch"] = (~(pause <= 5)).groupby(words["recording_id"]).cumsum()
    found = words.groupby(["recording_id", "stretch"]).agg(
        start_s=("start_s", "min"), end_s=("end_s", "max"), words=("word", "".join), lowest=("confidence", "min")
    )
    found["words"] = found["words"].str.lstrip()
    return found.reset_index().drop(columns="stretch").round({"lowest": 3})


def with_polars(out: Path, below: float) -> pl.DataFrame:
    pause = pl.col("start_s").diff()
    return (
        pl.scan_parquet(
            out / "words",
            schema=pl.Schema(COLUMNS),
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
        )
        .filter(pl.col("confidence") < below)
        .sort("recording_id", "word_index")
        .with_columns(
            pl.when(pl.col("space_before").fill_null(True) | (pl.col("word_index").diff() != 1).over("recording_id"))
            .then(" " + pl.col("word"))
            .otherwise("word")
            .alias("word")
        )
        .with_columns((pause > 5).fill_null(True).cum_sum().over("recording_id").alias("stretch"))
        .group_by("recording_id", "stretch", maintain_order=True)
        .agg(
            pl.col("start_s").min(),
            pl.col("end_s").max(),
            pl.col("word").str.join("").str.strip_chars_start().alias("words"),
            pl.col("confidence").min().round(3).alias("lowest"),
        )
        .drop("stretch")
        .sort("recording_id", "start_s")
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1]), float(sys.argv[2])).to_string(index=False))
    print(with_polars(Path(sys.argv[1]), float(sys.argv[2])))
