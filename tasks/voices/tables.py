"""Read and serialize the registry as the Parquet files of `data/voices/`.

voices.parquet       voice_id, name
hearings.parquet     a row for each speaker of each recording, with its embedding
apart.parquet        pairs of voices that are different people
alike.parquet        pairs of voices that may be the same person
corrections.parquet  corrections by people, with the changes that undo them
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import MachineFault, UsageError
from tasks.voices.records import Correction, Hearing, KnownVoice, VoiceRegistry

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
COLUMNS: dict[str, dict[str, str]] = {
    "voices": {"voice_id": "string", "name": "string"},
    "hearings": {
        "hearing_id": "string", "voice_id": "string", "out": "string", "recording_id": "string", "run_id": "string",
        "source_name": "string", "speaker": "string", "seconds": "float64", "heard_on": "string", "by": "string",
        "similarity": "float64", "maybe": "string", "maybe_similarity": "float64", "embedder": "string",
        "embedding": "embedding", "shown": "string", "forgotten_as": "string",
    },
    "apart": {"one": "string", "other": "string"},
    "alike": {"one": "string", "other": "string"},
    "corrections": {
        "number": "int64", "at": "string", "kind": "string", "what": "string", "change": "string", "undone": "bool_",
    },
}  # fmt: skip

LATER_COLUMNS = {"forgotten_as": ""}
"""Columns that tables of earlier versions lack, and what they would say."""


def serialize_registry(registry: VoiceRegistry) -> dict[Path, bytes]:
    """Serialize the registry to the bytes of its files, by name; deterministic."""
    rows: dict[str, list[tuple[Any, ...]]] = {
        "voices": sorted(registry.voices.values()),
        "hearings": [registry.hearings[key] for key in sorted(registry.hearings)],
        "apart": sorted(registry.apart),
        "alike": sorted(registry.alike),
        "corrections": list(registry.corrections),
    }
    return {Path(f"{name}.parquet"): _write_parquet(name, found) for name, found in rows.items()}


def read_registry(folder: Path) -> VoiceRegistry:
    """Read the registry from a folder; an empty one where there is none.

    Raises MachineFault for files that can't be read, UsageError for those of a later version.
    """
    if not (folder / "hearings.parquet").exists():
        return VoiceRegistry()
    held = {name: _read_columns(name, folder / f"{name}.parquet") for name in COLUMNS}
    hearings = map(Hearing._make, zip(*held["hearings"].values(), strict=True))
    return VoiceRegistry(
        voices={v.voice_id: v for v in map(KnownVoice._make, zip(*held["voices"].values(), strict=True))},
        hearings={h.hearing_id: h for h in hearings},
        apart=frozenset(zip(*held["apart"].values(), strict=True)),
        alike=frozenset(zip(*held["alike"].values(), strict=True)),
        corrections=tuple(map(Correction._make, zip(*held["corrections"].values(), strict=True))),
    )


def _write_parquet(name: str, rows: list[tuple[Any, ...]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS[name])
    arrays = [
        _make_list_array(values) if kind == "embedding" else pa.array(values, getattr(pa, kind)())
        for values, kind in zip(columns, COLUMNS[name].values(), strict=True)
    ]
    table = pa.Table.from_arrays(arrays, names=list(COLUMNS[name]))
    buffer = io.BytesIO()
    # Embeddings don't compress, and have no repeated values for a dictionary.
    plain = [c for c, kind in COLUMNS[name].items() if kind != "embedding"]
    pq.write_table(
        table.replace_schema_metadata({"version": str(VERSION)}), buffer, compression="zstd", use_dictionary=plain
    )
    return buffer.getvalue()


def _make_list_array(rows: tuple[np.ndarray[Any, Any], ...]) -> pa.Array:
    import pyarrow as pa

    ends = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int32)
    values = np.concatenate([np.zeros(0, np.float32), *rows]).astype(np.float32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(values))


def _read_columns(name: str, path: Path) -> Mapping[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            version = (file.schema_arrow.metadata or {}).get(b"version", b"").decode(errors="replace")
            if version != str(VERSION):
                raise UsageError(f"{path}: written by another Daylong (version {version or '?'}); update this one.")
            table = file.read()
        return {column: _read_column(table, column, kind) for column, kind in COLUMNS[name].items()}
    except (pa.ArrowInvalid, OSError, KeyError) as err:
        # Arrow sets no errno for a damaged file; a missing table counts as damage, since all are always written.
        if isinstance(err, OSError) and err.errno not in (None, errno.ENOENT):
            why = os.strerror(err.errno or 0)
            raise MachineFault(
                f"{path}: the voices can't be read ({why}). Is its disk there, and yours to read?"
            ) from err
        raise MachineFault(
            f"{path}: the voices can't be read ({err}). Put the folder aside and make it anew from the recordings: "
            "daylong speakers rebuild"
        ) from err


def _read_column(table: pa.Table, column: str, kind: str) -> list[Any]:
    """Raises KeyError for a missing one that every version has."""
    if column in LATER_COLUMNS and column not in table.column_names:
        return [LATER_COLUMNS[column]] * table.num_rows
    held = table.column(column)
    return _split_lists(held.combine_chunks()) if kind == "embedding" else held.to_pylist()


def _split_lists(lists: pa.Array) -> list[np.ndarray[Any, Any]]:
    ends = lists.offsets.to_numpy()
    values = lists.values.to_numpy()
    return [values[a:b] for a, b in pairwise(ends)]
