"""Which speakers of different recordings sound like the same person?

Pairs whose voices are this alike (cosine, 1: the same) or more, measured by the same model. What counts as alike
depends on the model: look at pairs that you know. Where people are known, `voice_id` says it.

    python data/recipes/questions/speaker_across_recordings.py data/transcripts 0.7
"""

import sys
from pathlib import Path

import pandas as pd
import polars as pl


def with_pandas(out: Path, alike: float) -> pd.DataFrame:
    columns = ["recording_id", "speaker", "embedding", "embedding_model"]
    voices = pd.read_parquet(out / "speakers", columns=columns).dropna(subset=["embedding"])
    pairs = voices.merge(voices, on="embedding_model", suffixes=("", "_b"))
    pairs = pairs[pairs["recording_id"] < pairs["recording_id_b"]]
    # Embeddings have unit length: their product is the cosine.
    likeness = [float(a @ b) for a, b in zip(pairs["embedding"], pairs["embedding_b"], strict=True)]
    pairs = pairs.assign(likeness=likeness).query("likeness >= @alike").round({"likeness": 3})
    pairs = pairs.rename(columns={"recording_id_b": "other_recording", "speaker_b": "other_speaker"})
    names = ["recording_id", "speaker", "other_recording", "other_speaker"]
    return pairs.sort_values(["likeness", *names], ascending=[False, *[True] * 4])[[*names, "likeness"]]


def with_polars(out: Path, alike: float) -> pl.DataFrame:
    voices = pl.scan_parquet(out / "speakers").select("recording_id", "speaker", "embedding", "embedding_model")
    voices = voices.drop_nulls("embedding")
    names = ["recording_id", "speaker", "other_recording", "other_speaker"]
    # Embeddings have unit length: their product is the cosine.
    product = (pl.col("embedding") * pl.col("embedding_b")).arr.sum().cast(pl.Float64)
    return (
        voices.join(voices, on="embedding_model", suffix="_b")
        .filter(pl.col("recording_id") < pl.col("recording_id_b"))
        .rename({"recording_id_b": "other_recording", "speaker_b": "other_speaker"})
        .select(*names, product.alias("likeness"))
        .filter(pl.col("likeness") >= alike)
        .with_columns(pl.col("likeness").round(3))
        .sort("likeness", *names, descending=[True, *[False] * 4])
        .collect()
    )


if __name__ == "__main__":
    print(with_pandas(Path(sys.argv[1]), float(sys.argv[2])).to_string(index=False))
    print(with_polars(Path(sys.argv[1]), float(sys.argv[2])))
