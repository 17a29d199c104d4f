"""Where is a word said, in what context, and where does one hear it?

The context is what was said from 10 s before to 10 s after. The link leads into the recording's file: put the file's
folder before it. `word_raw` is lower case, without punctuation.

    python data/recipes/questions/every_mention.py data/transcripts budget
"""

import math
import sys
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import polars as pl
import pyarrow as pa

# Files of before the column `space_before` lack it; read by this schema, it is null there.
COLUMNS = pa.schema(
    [
        ("recording_id", pa.string()),
        ("word_index", pa.int32()),
        ("start_s", pa.float64()),
        ("speaker", pa.string()),
        ("word", pa.string()),
        ("word_raw", pa.string()),
        ("space_before", pa.bool_()),
    ]
)


def with_pandas(out: Path, word: str) -> pd.DataFrame:
    words = pd.read_parquet(out / "words", schema=COLUMNS).sort_values(["recording_id", "word_index"])
    words["said"] = words["space_before"].ne(False).map({True: " ", False: ""}) + words["word"]
    recordings = pd.read_parquet(out / "recordings", columns=["recording_id", "parts"])
    parts = dict(zip(recordings["recording_id"], recordings["parts"], strict=True))
    rows = []
    for recording_id, said in words.groupby("recording_id"):
        for mention in said[said["word_raw"] == word].itertuples():
            near = said[said["start_s"].between(mention.start_s - 10, mention.start_s + 10)]
            file = [part for part in parts[recording_id] if part["start_s"] <= mention.start_s][-1]
            begin = math.floor(max(mention.start_s - 10 - file["start_s"], 0))
            end = math.ceil(mention.start_s + 10 - file["start_s"])
            link = f"{quote(file['name'], safe='')}#t={begin},{end}"
            rows.append((recording_id, mention.start_s, mention.speaker, "".join(near["said"]).lstrip(), link))
    return pd.DataFrame(rows, columns=["recording_id", "start_s", "speaker", "context", "link"])


def with_polars(out: Path, word: str) -> pl.DataFrame:
    words = pl.scan_parquet(
        out / "words",
        schema=pl.Schema(COLUMNS),
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
    )
    mentions = words.filter(pl.col("word_raw") == word).drop("word", "word_raw", "space_before")
    spoken = words.select(
        "recording_id", pl.col("word_index").alias("place"), pl.col("start_s").alias("at_s"), "word", "space_before"
    )
    files = (
        pl.scan_parquet(out / "recordings")
        .select("recording_id", pl.col("parts").alias("part"))
        .explode("part")
        .select(
            "recording_id",
            pl.col("part").struct.field("name").alias("file"),
            pl.col("part").struct.field("start_s").alias("file_start_s"),
        )
        .sort("file_start_s")
    )
    blank = pl.when(pl.col("space_before").fill_null(True)).then(pl.lit(" ")).otherwise(pl.lit(""))
    begin = (pl.col("start_s") - 10 - pl.col("file_start_s")).clip(0).floor().cast(pl.Int64)
    end = (pl.col("start_s") + 10 - pl.col("file_start_s")).ceil().cast(pl.Int64)
    name = pl.col("file").map_elements(lambda text: quote(text, safe=""), return_dtype=pl.String)
    return (
        mentions.join(spoken, on="recording_id")
        .filter(pl.col("at_s").is_between(pl.col("start_s") - 10, pl.col("start_s") + 10))
        .sort("recording_id", "word_index", "place")
        .group_by("recording_id", "word_index", "start_s", "speaker", maintain_order=True)
        .agg((blank + pl.col("word")).str.join("").str.strip_chars_start().alias("context"))
        .sort("start_s")
        .join_asof(files, left_on="start_s", right_on="file_start_s", by="recording_id", check_sortedness=False)
        .sort("recording_id", "word_index")
        .select(
            "recording_id", "start_s", "speaker", "context", pl.format("{}#t={},{}", name, begin, end).alias("link")
        )
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1]), sys.argv[2]).to_string(index=False))
    print(with_polars(Path(sys.argv[1]), sys.argv[2]))
