"""Who spoke how long?

python data/recipes/questions/who_spoke_how_long.py data/transcripts
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path) -> pd.DataFrame:
    speakers = pd.read_parquet(out / "speakers", columns=["recording_id", "speaker", "turn_s", "num_words"])
    whole = speakers.groupby("recording_id")["turn_s"].transform("sum")
    speakers["minutes"] = (speakers["turn_s"] / 60).round(3)
    speakers["share"] = (speakers["turn_s"] / whole).round(3)
    speakers = speakers.sort_values(["recording_id", "turn_s", "speaker"], ascending=[True, False, True])
    return speakers[["recording_id", "speaker", "minutes", "share", "num_words"]]


def with_polars(out: Path) -> pl.DataFrame:
    return (
        pl.scan_parquet(out / "speakers")
        .sort("recording_id", "turn_s", "speaker", descending=[False, True, False])
        .select(
            "recording_id",
            "speaker",
            (pl.col("turn_s") / 60).round(3).alias("minutes"),
            (pl.col("turn_s") / pl.col("turn_s").sum().over("recording_id")).round(3).alias("share"),
            "num_words",
        )
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1])).to_string(index=False))
    print(with_polars(Path(sys.argv[1])))
