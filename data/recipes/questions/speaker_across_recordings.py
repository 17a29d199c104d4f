"""Who was heard in more than one recording, where, and how long?

A voice has the same `voice_id` in all recordings, and a name once somebody gave it one: daylong speakers list.

    python data/recipes/questions/speaker_across_recordings.py data/transcripts
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path) -> pd.DataFrame:
    columns = ["voice_id", "speaker_name", "recording_id", "speaker", "turn_s", "num_words"]
    speakers = pd.read_parquet(out / "speakers", columns=columns).dropna(subset=["voice_id"])
    speakers = speakers[speakers.groupby("voice_id")["recording_id"].transform("nunique") > 1]
    speakers = speakers.assign(minutes=(speakers["turn_s"] / 60).round(3))
    speakers = speakers.sort_values(["voice_id", "recording_id", "speaker"])
    return speakers[["voice_id", "speaker_name", "recording_id", "speaker", "minutes", "num_words"]]


def with_polars(out: Path) -> pl.DataFrame:
    return (
        pl.scan_parquet(out / "speakers")
        .drop_nulls("voice_id")
        .filter(pl.col("recording_id").n_unique().over("voice_id") > 1)
        .sort("voice_id", "recording_id", "speaker")
        .select(
            "voice_id",
            "speaker_name",
            "recording_id",
            "speaker",
            (pl.col("turn_s") / 60).round(3).alias("minutes"),
            "num_words",
        )
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1])).to_string(index=False))
    print(with_polars(Path(sys.argv[1])))
