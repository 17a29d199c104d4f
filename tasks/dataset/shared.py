"""A recording's files in shared storage: what the ledger says of them, and tables whose bytes no other has."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.dataset.parquet import serialize_table
from tasks.dataset.rows import tables
from tasks.dataset.schema import schema_json
from tasks.records import Transcript
from tasks.sharing import publication
from tasks.sharing.connect import open_objects

if TYPE_CHECKING:
    import pyarrow as pa


def publish_shared(
    url: str, transcript: Transcript, contents: Mapping[Path, bytes], instead_of: str | None
) -> publication.Entry:
    """Put all files of a recording in place in the storage at `url`, by path below its `transcripts/`.

    Raises Superseded, and what the storage raises.
    """
    objects, run = open_objects(url), transcript.run
    text, described = schema_json().encode(), objects.get(f"{publication.TRANSCRIPTS}/schema.json")
    if described is None or described.data != text:
        objects.put(f"{publication.TRANSCRIPTS}/schema.json", text)
    facts = {
        "run_id": run.run_id,
        "status": run.status,
        "settings_digest": run.settings_digest,
        "models": run.models,
        "pipeline_version": run.pipeline_version,
        "processed_at": run.processed_at,
        "sha256": transcript.recording.sha256,
        "source_name": transcript.recording.source_name,
    }
    cleared = serialize_table(mark_publication(tables(transcript)["recordings"].slice(0, 0)))
    named = {path.as_posix(): data for path, data in contents.items()}
    return publication.publish(
        objects, transcript.recording.recording_id, named, cleared, facts, instead_of=instead_of
    )


def mark_publication(table: pa.Table) -> pa.Table:
    """A table whose bytes no other publication has: conditional writes tell contents apart by their bytes."""
    return table.replace_schema_metadata({**(table.schema.metadata or {}), b"publication": uuid.uuid4().hex})
