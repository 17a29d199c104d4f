"""The rows of the ledger: the SQLite schema, and their dataclasses."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote_from_bytes

from tasks.errors import TransientError
from tasks.intake.completeness import Sighting

State = Literal["claimed", "done", "partial", "linked", "quarantined", "returned"]
"""linked: its content was done before, under this or another name. returned: it lies in the inbox again."""
SUCCESS: frozenset[str] = frozenset(("done", "partial", "linked"))
BUSY_S = 60.0
"""Seconds to wait for another process's transaction."""

SCHEMA = """
create table if not exists contents (
    sha256 text primary key, size integer not null, state text not null, attempts integer not null,
    settings_digest text not null, sidecar text, recording_id text, run_id text, error text,
    first_seen real not null, changed real not null
);
create table if not exists arrivals (
    id text primary key, sha256 text not null, name blob not null, state text not null, destination blob,
    filed integer not null default 0, excused integer not null default 0,
    taken real not null, ended real, host text not null, pid integer not null
);
create index if not exists arrivals_by_content on arrivals (sha256);
create index if not exists arrivals_by_destination on arrivals (destination);
create table if not exists sightings (
    path blob primary key, signature text not null, since real not null, lacking text, not_before real not null,
    waits_for text, failures integer not null default 0
);
create table if not exists kept (
    path blob not null, settings_digest text not null, fingerprint text not null,
    primary key (path, settings_digest)
);
create table if not exists leftovers (path blob primary key, reason text not null, since real not null);
"""


@dataclass(frozen=True, slots=True)
class Content:
    """A row of `contents`: the state of one content, by its digest."""

    sha256: str
    size: int
    state: str
    attempts: int
    """Attempts begun with these settings, less those that were stopped on request."""
    settings_digest: str
    sidecar: str | None
    """Digests of its sidecars at its last publication."""
    recording_id: str | None
    run_id: str | None
    error: str | None
    first_seen: float
    changed: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """A row of `arrivals`: one claim of a content. `name` is relative to the inbox; `destination` is decided before
    publication."""

    id: str
    sha256: str
    name: Path
    state: str
    destination: Path | None
    filed: bool
    excused: bool
    taken: float
    ended: float | None
    host: str
    pid: int


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database at `path`, created if need be. Raises TransientError where it can't be opened or is
    damaged."""
    try:
        db = connect(path, "rwc")
        db.executescript(SCHEMA)
        _bring_up_to_date(db)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise TransientError(f"{path}: the ledger can't be opened ({error}).") from error
        raise TransientError(
            f"{path}: not a ledger, or damaged ({error}). Move it away: files that are published already are "
            "recognised, folders are processed again."
        ) from error
    return db


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Add the columns that earlier versions of the ledger lack."""
    lacks = "select 1 where not exists (select 1 from pragma_table_info('sightings') where name = 'failures')"
    if db.execute(lacks).fetchone():
        db.execute("begin immediate")
        if db.execute(lacks).fetchone():  # else somebody was faster
            db.execute("alter table sightings add column failures integer not null default 0")
        db.execute("commit")


def connect(path: Path, mode: Literal["ro", "rw", "rwc"]) -> sqlite3.Connection:
    """Open an SQLite connection to `path` without creating tables or reading anything."""
    uri = f"file:{quote_from_bytes(os.fsencode(path.absolute()))}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    db.row_factory = _dict
    db.execute("pragma synchronous = full")
    return db


def _dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def arrival_of(row: Mapping[str, Any]) -> Arrival:
    """The Arrival of a row of `arrivals`."""
    destination = row["destination"]
    return Arrival(
        **{
            **row,
            "name": path_of(row["name"]),
            "destination": None if destination is None else path_of(destination),
            "filed": bool(row["filed"]),
            "excused": bool(row["excused"]),
        }
    )


def sighting_of(row: Mapping[str, Any]) -> Sighting:
    """The Sighting of a row of `sightings`, also of an earlier version's."""
    return Sighting(row["signature"], row["since"], row["lacking"], row["not_before"], row.get("failures", 0))


def path_of(name: bytes) -> Path:
    """The path of a name that is stored as bytes: not all are UTF-8."""
    return Path(os.fsdecode(name))


def bytes_of(path: Path | None) -> bytes | None:
    """The bytes under which a path is stored (the inverse of `path_of`)."""
    return None if path is None else os.fsencode(path)
