"""The dataset as analysts open it: DuckDB, pandas, Polars and Arrow, all files of a table at once."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from tasks.dataset.parquet import serialize_table
from tasks.dataset.publish import publish
from tasks.dataset.schema import TABLES, schemas
from tests.helpers.sample_transcripts import make_meeting, make_silence, make_without_diarization


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Four recordings on three days: voices, silence, no diarization, and an unknown start."""
    folder = tmp_path_factory.mktemp("transcripts")
    for transcript, name, recorded_at in (
        (
            make_silence(),
            "a-silent-1",
            "2024-04-01T12:00:00Z",
        ),  # its tables without rows are the first that readers see
        (make_meeting(), "b-meeting-1", "2024-05-01T00:30:00+02:00"),
        (make_without_diarization(), "c-plain-1", "2024-05-01T12:00:00Z"),
        (make_meeting(), "d-undated-1", None),
    ):
        facts = dataclasses.replace(transcript.recording, recording_id=name, recorded_at=recorded_at)
        publish(dataclasses.replace(transcript, recording=facts), folder, exports={})
    return folder


NUM_WORDS = {"a-silent-1": 0, "b-meeting-1": 34, "c-plain-1": 3, "d-undated-1": 34}


def test_duckdb_reads_every_table_with_its_types_and_the_day_as_a_date(out):
    import duckdb

    with duckdb.connect() as db:
        for table in TABLES:
            db.execute(
                f"create view {table} as "
                f"select * from read_parquet('{out}/{table}/**/*.parquet', hive_partitioning=true)"
            )
            types = dict(db.execute(f"select column_name, column_type from (describe {table})").fetchall())
            assert list(types) == [*schemas()[table].names, "recorded_date"]
            assert types["recorded_date"] == "DATE"
            for name, kind in types.items():
                if name.endswith("_at"):
                    assert kind == "TIMESTAMP WITH TIME ZONE"
                if name.endswith("_s"):
                    assert kind == "DOUBLE"
                if name.endswith("_index"):
                    assert kind == "INTEGER"
        counted = db.execute(
            "select r.recording_id, count(w.word) from recordings r left join words w using (recording_id, run_id) "
            "group by all order by all"
        ).fetchall()
        assert dict(counted) == NUM_WORDS
        found = db.execute(
            "select distinct speaker from words where word_raw = 'don''t' and recorded_date = '2024-05-01'"
        )
        assert found.fetchall() == [("SPEAKER_01",)]
        assert db.execute("select parts[1].name from recordings limit 1").fetchone() == ("meeting.flac",)


def test_pandas_reads_every_table_as_one_frame(out):
    import pandas as pd

    for table in TABLES:
        frame = pd.read_parquet(out / table)
        assert list(frame.columns) == [*schemas()[table].names, "recorded_date"]
    words = pd.read_parquet(out / "words")
    assert words.groupby("recording_id").size().to_dict() == {k: v for k, v in NUM_WORDS.items() if v}
    assert str(words["start_at"].dtype) == "datetime64[us, UTC]"
    assert words["start_s"].dtype == "float64"
    assert words["confidence"].dtype == "float32"
    assert words["word_index"].dtype == "int32"
    assert pd.read_parquet(out / "words", filters=[("recorded_date", "==", "2024-05-02")]).shape[0] == 34


def test_polars_reads_every_table_and_knows_the_day(out):
    import polars as pl

    for table in TABLES:
        frame = pl.read_parquet(out / table / "**" / "*.parquet", hive_partitioning=True)
        assert frame.columns == [*schemas()[table].names, "recorded_date"]
        assert frame.schema["recorded_date"] == pl.Date
    words = pl.scan_parquet(out / "words" / "**" / "*.parquet", hive_partitioning=True)
    day = words.filter(pl.col("recorded_date") == datetime.date(2024, 5, 1)).collect()
    assert day.height == NUM_WORDS["b-meeting-1"] + NUM_WORDS["c-plain-1"]
    assert day.schema["start_at"] == pl.Datetime("us", "UTC")
    speakers = pl.read_parquet(out / "speakers" / "**" / "*.parquet")
    assert speakers.schema["embedding"] == pl.Array(pl.Float32, 256)


def test_a_folder_in_which_a_publication_lies_half_done_reads_as_if_it_were_not_there(out):
    """What is written aside matches neither `**/*.parquet`, from the top too, nor what Arrow discovers."""
    import pyarrow.dataset as ds

    aside = out / ".journal" / "e-1.aside"
    aside.mkdir()
    try:
        (aside / "0").write_bytes(b"PAR1")
        (out / ".journal" / "e-1.draft").write_bytes(b"{")
        assert not [p for p in out.glob("**/*.parquet") if ".journal" in p.parts]
        assert not [f for f in ds.dataset(out / "words", partitioning="hive").files if ".journal" in f]
    finally:
        (aside / "0").unlink()
        aside.rmdir()
        (out / ".journal" / "e-1.draft").unlink()


def test_files_are_zstd_and_say_how_they_are_sorted(out):
    import pyarrow.parquet as pq

    (path,) = out.glob("words/*/b-meeting-1.parquet")
    with pq.ParquetFile(path) as file:
        group = file.metadata.row_group(0)
        assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}
        names = [file.schema_arrow.names[c.column_index] for c in group.sorting_columns]
    assert names == ["start_s", "end_s", "speaker"]


def test_only_what_repeats_has_a_dictionary(out):
    """Times and confidences differ from word to word: a dictionary of them is larger than they are."""
    import pyarrow.parquet as pq

    (path,) = out.glob("words/*/b-meeting-1.parquet")
    with pq.ParquetFile(path) as file:
        columns = [file.metadata.row_group(0).column(i) for i in range(file.metadata.num_columns)]
    found = {c.path_in_schema: {e for e in c.encodings if e not in ("RLE", "PLAIN")} for c in columns}
    assert found["word_raw"] == found["speaker"] == found["recording_id"] == {"RLE_DICTIONARY"}
    assert found["word_index"] == found["segment_index"] == found["start_at"] == {"DELTA_BINARY_PACKED"}
    assert found["confidence"] == {"BYTE_STREAM_SPLIT"}
    assert found["start_s"] == found["end_s"] == set()


def test_a_day_is_laid_out_in_groups_of_rows_of_which_a_reader_may_take_one():
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(serialize_table(pa.table({"word_index": range(192_000)})))) as file:
        assert [file.metadata.row_group(k).num_rows for k in range(2)] == [100_000, 92_000]
