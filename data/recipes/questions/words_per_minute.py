"""How fast does each speaker talk?

Words for each minute of the speaker's own turns.

    python data/recipes/questions/words_per_minute.py data/transcripts
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path) -> pd.DataFrame:
    speakers = pd.read_parquet(out / "speakers", columns=["recording_id", "speaker", "turn_s", "num_words"])
    speakers = speakers[speakers["turn_s"] > 0]
    speakers["words_per_minute"] = (speakers["num_words"] / (speakers["turn_s"] / 60)).round(1)
    speakers = speakers.sort_values(["recording_id", "words_per_minute", "speaker"], ascending=[True, False, True])
    return speakers[["recording_id", "speaker", "num_words", "words_per_minute"]]


def with_polars(out: Path) -> pl.DataFrame:
    return (
        pl.scan_parquet(out / "speakers")
        .filter(pl.col("turn_s") > 0)
        .select(
            "recording_id",
            "speaker",
            "num_words",
            (pl.col("num_words") / (pl.col("turn_s") / 60)).round(1).alias("words_per_minute"),
        )
        .sort("recording_id", "words_per_minute", "speaker", descending=[False, True, False])
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1])).to_string(index=False))
    print(with_polars(Path(sys.argv[1])))
