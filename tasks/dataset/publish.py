"""Publish: a transcript becomes a recording's files in the tables, its exports, and schema.json."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.canonical import canonical, find_recorded_date
from tasks.dataset.read import find_row
from tasks.dataset.rows import tables
from tasks.dataset.schema import EVERY_TABLE, schema_json
from tasks.errors import PermanentError, TransientError, UsageError
from tasks.records import Transcript
from tasks.storage import files, journal
from tasks.storage.journal_plan import check_file, check_folder

if TYPE_CHECKING:
    import pyarrow as pa

EXPORTS_FOLDER = "exports"
SORTED_BY = ("start_s", "end_s", "speaker")
ROW_GROUP = 100_000
"""Rows: a day of talk has two groups. By measurement (`python -m tests.benchmarks.dataset`, 60 days): to search all
words DuckDB fetches 0.6 of what it fetches from files of one group, pandas 0.6 for ten minutes of a day; all else
stays as it is. Groups of 20,000 bring both down further, but pandas and Polars fetch up to a fifth more for a search;
sorted by speaker instead of time, a speaker's month costs no less."""


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """Where a recording's files lie: `tables` and `exports` by name, their paths absolute or relative as `out` is."""

    recording_id: str
    recorded_date: date
    tables: dict[str, Path]
    exports: dict[str, Path]


class Superseded(TransientError):
    """Another run has published the recording since."""


def publish(
    transcript: Transcript, out: Path, *, exports: Mapping[str, str | bytes], instead_of: str | None = None
) -> PublishedFiles:
    """Put a recording's tables and exports in place, replacing what an earlier run published of it.

    `exports` holds the finished contents by file name (`transcript.srt`, …, `report.html`), so that nothing that can
    fail is left to do once files change. How the files are replaced as one, and what a reader in between sees:
    see journal.py. Interrupted publications, also those of other recordings, are finished first. `instead_of`:
    the run whose tables these are to replace; another's stay (`Superseded`).

    Raises PermanentError for names that cannot be files', TransientError where the folder cannot be written,
    or something in it is in the way: what was published before is as it was then.
    """
    transcript = canonical(transcript)
    recording_id, day = transcript.recording.recording_id, find_recorded_date(transcript)
    for name in (recording_id, *exports):
        check_file_name(name)
    partition = f"recorded_date={day.isoformat()}"
    made = tables(transcript)
    placed = {table: Path(table, partition, f"{recording_id}.parquet") for table in made}
    exported = {name: Path(EXPORTS_FOLDER, recording_id, name) for name in exports}
    contents = {placed[name]: serialize_table(table) for name, table in made.items()}
    contents |= {exported[name]: _encode(content) for name, content in exports.items()}
    try:
        with journal.lock_journal(out) as folder:
            journal.recover(folder)
            if instead_of is not None and (find_row(out, "", recording_id) or {}).get("run_id") != instead_of:
                raise Superseded(f"{recording_id} in {out}: another run has published it since")
            _describe(out, folder)
            leaving = [p for p in list_published_files(out, recording_id) if p not in contents]
            journal.commit_publication(folder, recording_id, contents, leaving)
    except OSError as err:
        raise TransientError(
            f"{out}: the transcript of {transcript.recording.source_name} could not be written there "
            f"({err.strerror or err}); check the disk's space and rights, then run it again."
        ) from err
    return PublishedFiles(
        recording_id,
        day,
        {name: out / path for name, path in placed.items()},
        {name: out / path for name, path in exported.items()},
    )


def publish_translations(
    transcript: Transcript, out: Path, *, exports: Mapping[str, str | bytes], instead_of: str
) -> list[Path]:
    """Add a published transcript's translations to its files: the table `translations` is replaced, exports are added
    or replaced, all as one; nothing else changes. Return the paths of the exports.

    `instead_of`: the run whose tables they belong to; raises `Superseded` where these are another's by now, and else
    as `publish`.
    """
    transcript = canonical(transcript)
    recording_id = transcript.recording.recording_id
    for name in exports:
        check_file_name(name)
    try:
        with journal.lock_journal(out) as folder:
            journal.recover(folder)
            row = find_row(out, "", recording_id) or {}
            there = sorted((out / "recordings").glob(f"recorded_date=*/{escape(recording_id)}.parquet"))
            if row.get("run_id") != instead_of or not there:
                raise Superseded(f"{recording_id} in {out}: another run has published it since")
            partition = there[0].parent.name
            # The row of `recordings` is written again, unchanged: it goes first and comes last.
            contents = {there[0].relative_to(out): there[0].read_bytes()}
            table = tables(transcript).get("translations")
            path = Path("translations", partition, f"{recording_id}.parquet")
            if table is not None:
                contents[path] = serialize_table(table)
            contents |= {Path(EXPORTS_FOLDER, recording_id, n): _encode(c) for n, c in exports.items()}
            _describe(out, folder)
            leaving = [path] if table is None and (out / path).is_file() else []
            journal.commit_publication(folder, recording_id, contents, leaving)
    except OSError as err:
        raise TransientError(
            f"{out}: the translations of {transcript.recording.source_name} could not be written there "
            f"({err.strerror or err}); check the disk's space and rights, then run it again."
        ) from err
    return [out / EXPORTS_FOLDER / recording_id / name for name in exports]


def _encode(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def check_places(out: Path) -> None:
    """Raise UsageError where the folders of the tables or of the exports can't take files: asked before any work, so
    that none is done in vain."""
    try:
        check_file(out / "schema.json")
        for name in (*EVERY_TABLE, EXPORTS_FOLDER):
            check_folder(out, out / name)
    except (OSError, TransientError) as err:
        raise UsageError(f"out = {out}: results can't be put in place. {err}.") from err


def recover(out: Path, needed: str | None = None) -> list[str]:
    """Finish or undo what processes that died left of their publications; a line for each recording.

    Raises TransientError where that of the recording `needed` can't be finished now: its published state is
    unknown then.
    """
    if not (out / journal.FOLDER).is_dir():
        return []
    with journal.lock_journal(out) as folder:
        lines = journal.recover(folder)
        if needed is not None:
            journal.finish_plan(folder, needed)
        return lines


def list_published_files(out: Path, recording_id: str) -> list[Path]:
    """The files of a recording that are there now, relative to `out`: tables in any partition, and exports."""
    found = []
    for table in EVERY_TABLE:
        # Names are joined, never globbed: a recording may be called "[1]*".
        for partition in sorted((out / table).glob("recorded_date=*")):
            if (partition / f"{recording_id}.parquet").is_file():
                found.append(Path(table, partition.name, f"{recording_id}.parquet"))
    folder = out / EXPORTS_FOLDER / recording_id
    for name in ("report.html", "report.*.html", "timeline.*", "transcript.*"):
        found += [path.relative_to(out) for path in sorted(folder.glob(name)) if path.is_file()]
    return [path for path in found if all(map(files.is_plain_name, path.parts))]  # others are no doing of ours


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


def check_file_name(name: str) -> None:
    """Refuse what is not the plain name of one file, or one that readers would pass over (leading "." or "_")."""
    if not files.is_plain_name(name) or len(name.encode()) > 200:
        raise PermanentError(f"{name!r} cannot be the name of a recording's file; rename the recording.")


def _describe(out: Path, folder: Path) -> None:
    """schema.json, if what is there is not what this version writes."""
    target, text = out / "schema.json", schema_json().encode()
    if not target.is_file() or target.read_bytes() != text:
        check_file(target)
        files.write_durably(folder / "schema.draft", text)
        files.move(folder / "schema.draft", target)
        files.sync_folders([out])
