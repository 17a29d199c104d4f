"""Ways to lay a table out in a Parquet file: what is published, and what it is compared with."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dataset.parquet import ROW_GROUP, choose_encodings, serialize_table


def _laid(**options: Any) -> Callable[[pa.Table], bytes]:
    def lay(table: pa.Table) -> bytes:
        buffer = io.BytesIO()
        given = {"row_group_size": ROW_GROUP, **choose_encodings(table.schema), **options}
        blooms = given.pop("bloom", None)
        if blooms in table.column_names:
            given["bloom_filter_options"] = {blooms: {"ndv": 30_000, "fpp": 0.01}}
        pq.write_table(table, buffer, compression="zstd", **given)
        return buffer.getvalue()

    return lay


def _by_speaker(table: pa.Table) -> bytes:
    if "speaker" in table.column_names and "start_s" in table.column_names:
        table = table.sort_by([("speaker", "ascending"), ("start_s", "ascending")])
    return _laid(row_group_size=20_000)(table)


PUBLISHED = "as published"
LAYOUTS: dict[str, Callable[[pa.Table], bytes]] = {
    PUBLISHED: serialize_table,
    "dictionaries for all columns": _laid(use_dictionary=True, column_encoding=None),
    "one group": _laid(row_group_size=1_000_000),
    "groups of 20,000 rows": _laid(row_group_size=20_000),
    "20,000, sorted by speaker": _by_speaker,
    "20,000, Bloom filter on word_raw": _laid(row_group_size=20_000, bloom="word_raw"),
}
