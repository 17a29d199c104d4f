"""Tables of other versions of Daylong: older ones are read as today's, newer ones are refused.

The rule for changes stands in schema.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.dataset.schema import EVERY_TABLE, SCHEMA_VERSION, get_schema
from tasks.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

FIRST = 1
"""The version of a file that says none: other tools drop what stands beside the columns."""


def read_version(schema: pa.Schema) -> int:
    """Read the version of a file's schema."""
    said = (schema.metadata or {}).get(b"schema_version", b"").decode(errors="replace")
    return int(said) if said.isascii() and said.isdecimal() else FIRST


def refuse_newer(version: int, where: object) -> None:
    """Raises UsageError for tables that a later Daylong wrote: what their columns mean isn't known here."""
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"{where}: written by a later Daylong (tables of version {version}; this one reads up to "
            f"{SCHEMA_VERSION}): update this one, or process the recording again into another folder."
        )


def upgrade_table(table: str, held: pa.Table, where: object) -> pa.Table:
    """Add the current columns to a table of this or an earlier version, as nulls; unknown columns are kept.

    Raises UsageError for a later version.
    """
    import pyarrow as pa

    refuse_newer(read_version(held.schema), where)
    for column in EVERY_TABLE[table][1]:
        field = get_schema(table).field(column.name)
        if column.name not in held.column_names:
            held = held.append_column(field.with_nullable(True), pa.nulls(held.num_rows, field.type))
    return held
