"""How a table is laid out in its Parquet file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

SORTED_BY = ("start_s", "end_s", "speaker")
ROW_GROUP = 100_000
"""Rows: a day of talk has two groups. By measurement (`python -m tests.benchmarks.dataset`, 60 days): to search all
words DuckDB fetches 0.6 of what it fetches from files of one group, pandas 0.6 for ten minutes of a day; all else
stays as it is. Groups of 20,000 bring both down further, but pandas and Polars fetch up to a fifth more for a search;
sorted by speaker instead of time, a speaker's month costs no less."""


def serialize_table(table: pa.Table) -> bytes:
    """A table as a Parquet file, zstd, in groups of ROW_GROUP rows, saying by which columns it is sorted."""
    import pyarrow.parquet as pq

    order = [(name, "ascending") for name in SORTED_BY if name in table.column_names]
    sorting = (
        pq.SortingColumn.from_ordering(table.schema, order, "at_start") if "end_s" in table.column_names else None
    )
    buffer = io.BytesIO()
    laid = {"row_group_size": ROW_GROUP, "sorting_columns": sorting, **choose_encodings(table.schema)}
    pq.write_table(table, buffer, compression="zstd", **laid)
    return buffer.getvalue()


def choose_encodings(schema: pa.Schema) -> dict[str, Any]:
    """How the columns are written: dictionaries for text and whatever else repeats, differences for what counts up.

    Words differ in their times and confidences: a dictionary of these is larger than they are (of a day's `words`, by
    nearly half).
    """
    import pyarrow as pa

    counting = [f.name for f in schema if pa.types.is_timestamp(f.type) or f.name.endswith("_index")]
    scattered = [f.name for f in schema if pa.types.is_float32(f.type) and f.name == "confidence"]
    plain = {f.name for f in schema if pa.types.is_floating(f.type)} | {*counting}
    return {
        "use_dictionary": [f.name for f in schema if f.name not in plain],
        "column_encoding": dict.fromkeys(counting, "DELTA_BINARY_PACKED")
        | dict.fromkeys(scattered, "BYTE_STREAM_SPLIT"),
    }
