"""The tables as DuckDB views over the Parquet files, and statements on them that only read."""

from __future__ import annotations

import glob
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.dataset.schema import EVERY_TABLE, SCHEMA_VERSION, Column
from tasks.dataset.versions import refuse_newer
from tasks.errors import PermanentError, TransientError, UsageError
from tasks.sharing import copies

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 10_000
ATTEMPTS, PAUSE_S = 5, 0.3
"""A recording's files are replaced in some tenths of a second."""
INSTALL = "pip install -c constraints.txt -e '.[query]'"

TYPES = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "parts": "STRUCT(name VARCHAR, sha256 VARCHAR, start_s DOUBLE, duration_s DOUBLE)[]",
    "embedding": "FLOAT[]",
}
"""The types of schema.py, as DuckDB finds them in Parquet."""

NESTED = ("parts", "embedding")
"""Columns that are not cast."""

READ_ONLY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
"""Nodes that a query may have. DuckDB lets `with x as (copy …)` write files in the middle of a SELECT."""

EXPLAIN_PREFIX = re.compile(r"\s*explain\s+(?:analyze\s+)?", re.IGNORECASE)


def connect(out: Path, values: Mapping[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with the tables of `out` as views, times in UTC, and `values` for `getvariable('…')`.

    Files of older versions and files with other columns stand side by side: what a file lacks is null.
    Raises UsageError where DuckDB isn't installed or a later version wrote a recording, PermanentError for a file
    that isn't Parquet, TransientError for one that is being replaced.
    """
    try:
        import duckdb
    except ImportError:
        raise UsageError(f"daylong query needs DuckDB, the extra `query`: {INSTALL}") from None
    copies.refresh(out)
    db = duckdb.connect()
    # No downloads, not even of extensions; no progress bar, since stdout is for the answer.
    db.execute("set autoinstall_known_extensions = false; set timezone = 'UTC'; set enable_progress_bar = false")
    for name, value in (values or {}).items():
        db.execute(f"set variable {_check_name(name)} = {_quote_text(value)}")
    try:
        _refuse_newer(db, out)
        for table, (_, columns) in EVERY_TABLE.items():
            db.execute(f"create view {table} as {_format_select(db, out, table, columns)}")
    except (duckdb.IOException, duckdb.InvalidInputException) as err:
        raise _translate_error(out, err) from err
    db.execute("set lock_configuration = true")
    return db


def ask(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Run a statement that only reads; return its schema and an iterator of its rows.

    Raises UsageError, one or two lines, for SQL that is wrong (some of it shows only on the way), that changes
    anything, or that is not one statement; TransientError where a file was replaced between its listing and its
    opening.
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1:
            raise UsageError(f"one statement at a time: there are {len(statements)}." if statements else "no SQL.")
        _refuse_writing(db, statements[0].query)
        reader = db.sql(statements[0].query).to_arrow_reader(BATCH)
    except duckdb.Error as err:
        raise _explain_failure(err) from err
    return reader.schema, _iterate_batches(reader)


@contextmanager
def open_answer(
    out: Path, values: Mapping[str, str], sql: str
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """Connect to the tables of `out` and ask; asked again, `ATTEMPTS` times, while a table is being replaced.

    Raises as `connect` and `ask`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with ExitStack() as held:
            try:
                schema, batches = ask(held.enter_context(connect(out, values)), sql)
                first = next(batches, None)  # by then DuckDB has opened the files, or all that it needs for an answer
            except TransientError:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(PAUSE_S)
                continue
            yield schema, batches if first is None else itertools.chain([first], batches)
            return


def _explain_failure(error: Exception) -> UsageError | TransientError:
    said = format_error(error)
    if _is_about_missing_file(said) and "recorded_date=" in said:  # of the tables, no file that the SQL names
        return TransientError("a table is being replaced at this moment; try again.")
    return UsageError(said)


def _is_about_missing_file(said: str) -> bool:
    return "No files found" in said or "No such file" in said


def _iterate_batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except OSError as err:  # DuckDB's errors while reading, as Arrow raises them
            raise _explain_failure(err) from err
        yield batch


def format_error(error: Exception) -> str:
    """Format DuckDB's message in one or two lines: the error, and its suggestion or place."""
    first, *rest = [line.rstrip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
    hints = [line for line in rest if line.startswith(("Candidate", "Did you mean"))]
    places = [line for line in rest if re.match(r"LINE \d+:", line)]
    return "\n".join([first, *(hints or places)[:1]])


def _refuse_writing(db: duckdb.DuckDBPyConnection, statement: str) -> None:
    query = EXPLAIN_PREFIX.sub("", statement, count=1)
    tree = json.loads(db.execute("select json_serialize_sql(?)", [query]).fetchall()[0][0])
    kinds = {str(node.get("type")) for node in _iterate_nodes(tree) if "cte_map" in node}
    if tree.get("error") or not kinds <= READ_ONLY_NODES:
        raise UsageError(
            "only reading is possible here: a SELECT, FROM, WITH, DESCRIBE, SUMMARIZE or SHOW; "
            "to keep an answer: daylong query --format csv … > FILE."
        )


def _iterate_nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _refuse_newer(db: duckdb.DuckDBPyConnection, out: Path) -> None:
    if not _has_files(out, "recordings"):
        return
    newer = db.execute(
        f"select recording_id, schema_version from {_format_source(out, 'recordings')} "
        "where schema_version > ? order by recording_id limit 1",
        [SCHEMA_VERSION],
    ).fetchall()
    for recording_id, version in newer:
        refuse_newer(version, f"{out}: {recording_id}")


def _format_select(db: duckdb.DuckDBPyConnection, out: Path, table: str, columns: tuple[Column, ...]) -> str:
    """Format the SELECT: the current columns in their order, `recorded_date`, then unknown columns."""
    if not _has_files(out, table):
        absent = [f"cast(null as {TYPES[c.type]}) as {c.name}" for c in columns]
        return f"select {', '.join(absent)}, cast(null as DATE) as recorded_date where false"
    found = {name: kind for name, kind, *_ in db.execute(f"describe from {_format_source(out, table)}").fetchall()}
    known = [
        c.name
        if found.get(c.name) == TYPES[c.type] or (c.name in found and c.type in NESTED)
        else f"cast({c.name if c.name in found else 'null'} as {TYPES[c.type]}) as {c.name}"
        for c in columns
    ]
    unknown = [_quote_name(name) for name in found if name not in {"recorded_date", *(c.name for c in columns)}]
    return f"select {', '.join([*known, 'recorded_date', *unknown])} from {_format_source(out, table)}"


def _has_files(out: Path, table: str) -> bool:
    return any((out / table).glob("recorded_date=*/*.parquet"))


def _format_source(out: Path, table: str) -> str:
    pattern = f"{glob.escape(str(out / table))}/recorded_date=*/*.parquet"
    days = "hive_partitioning = true, hive_types = {recorded_date: DATE}"
    return f"read_parquet({_quote_text(pattern)}, {days}, union_by_name = true)"


def _translate_error(out: Path, error: Exception) -> PermanentError | TransientError:
    said = format_error(error).splitlines()[0]
    if _is_about_missing_file(said):
        return TransientError(f"{out}: a table is being replaced at this moment; try again.")
    return PermanentError(f"{out}: a table can't be read ({said}); process its recording again.")


def _quote_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,60}", name):
        raise UsageError(f"--let {name}: a name is made of letters, digits and _, as word.")
    return name
