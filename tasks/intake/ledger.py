"""What became of every file: an SQLite database in the inbox.

`contents` is keyed by the digest of the bytes, `arrivals` has a row for each time that such bytes were taken, under
whatever name, `sightings` one for each file that still lies there. One transaction a step, so that a process that
dies leaves the step done or not begun. The rollback journal (not WAL, whose shared memory no network share has) is
safe wherever locks work, and a few writes a recording need no more.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tasks.errors import TransientError
from tasks.intake.settle import Sighting

State = Literal["claimed", "done", "partial", "linked", "quarantined", "returned"]
"""linked: its content was done before, under this or another name. returned: it lies in the inbox again."""
SUCCESS: frozenset[str] = frozenset(("done", "partial", "linked"))
BUSY_S = 60.0

_SCHEMA = """
create table if not exists contents (
    sha256 text primary key, size integer not null, state text not null, attempts integer not null,
    settings_digest text not null, recording_id text, run_id text, error text,
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
    waits_for text
);
"""


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of some bytes."""

    sha256: str
    size: int
    state: str
    attempts: int
    """Begun with these settings, and not ended by somebody's wish."""
    settings_digest: str
    recording_id: str | None
    run_id: str | None
    error: str | None
    first_seen: float
    changed: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """One time that they were taken. `name` is relative to the inbox; `destination` is decided before publication."""

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


class Ledger:
    """The open database; close it. Usable by one thread at a time."""

    def __init__(self, path: Path, *, clock: Any = time.time) -> None:
        self.path, self._clock = path, clock
        self._db = _opened(path)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or nothing."""
        try:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
        except sqlite3.OperationalError as error:
            raise TransientError(f"{self.path}: the ledger can't be written ({error}). Is the disk full?") from error

    def content(self, sha256: str) -> Content | None:
        row = self._db.execute("select * from contents where sha256 = ?", (sha256,)).fetchone()
        return Content(**row) if row else None

    def arrival(self, arrival_id: str) -> Arrival | None:
        row = self._db.execute("select * from arrivals where id = ?", (arrival_id,)).fetchone()
        return _arrival(row) if row else None

    def begin(self, arrival: Arrival, size: int, settings_digest: str, *, counted: bool = True) -> Content:
        """A claim is held: note it, with where its file will go. The content, with one attempt more if `counted`."""
        now = self._clock()
        with self.writing() as db:
            before = self.content(arrival.sha256)
            same = before is not None and before.settings_digest == settings_digest
            tried = before.attempts if before and same and before.state in ("claimed", "returned") else 0
            if counted:
                db.execute(
                    "insert into contents values (?, ?, 'claimed', ?, ?, null, null, null, ?, ?) "
                    "on conflict (sha256) do update set state = 'claimed', attempts = excluded.attempts, "
                    "error = null, settings_digest = excluded.settings_digest, changed = excluded.changed",
                    (arrival.sha256, size, tried + 1, settings_digest, now, now),
                )
            db.execute(
                "insert into arrivals values (?, ?, ?, ?, ?, 0, 0, ?, null, ?, ?)",
                (
                    arrival.id,
                    arrival.sha256,
                    os.fsencode(arrival.name),
                    arrival.state,
                    _bytes(arrival.destination),
                    now,
                    arrival.host,
                    arrival.pid,
                ),
            )
        found = self.content(arrival.sha256)
        assert found is not None
        return found

    def end(self, arrival_id: str, state: State, **facts: str | None) -> None:
        """What became of an arrival, before its file is moved. `facts`: recording_id, run_id, error."""
        now = self._clock()
        with self.writing() as db:
            db.execute("update arrivals set state = ?, ended = ? where id = ?", (state, now, arrival_id))
            if state != "linked":
                names = ["state", "changed", *facts]
                db.execute(
                    f"update contents set {', '.join(f'{n} = ?' for n in names)} "
                    "where sha256 = (select sha256 from arrivals where id = ?)",
                    (state, now, *facts.values(), arrival_id),
                )

    def excuse(self, arrival_id: str) -> None:
        """The attempt doesn't count: it was ended by somebody's wish, or by a fault that isn't the file's."""
        with self.writing() as db:
            db.execute(
                "update contents set attempts = max(0, attempts - 1) where state = 'claimed' "
                "and sha256 = (select sha256 from arrivals where id = ? and not excused)",
                (arrival_id,),
            )
            db.execute("update arrivals set excused = 1 where id = ?", (arrival_id,))

    def send_to(self, arrival_id: str, destination: Path | None) -> None:
        with self.writing() as db:
            db.execute("update arrivals set destination = ? where id = ?", (_bytes(destination), arrival_id))

    def filed(self, arrival_id: str) -> None:
        """The file is where it belongs."""
        with self.writing() as db:
            db.execute("update arrivals set filed = 1 where id = ?", (arrival_id,))

    def is_promised(self, destination: Path, to_other_than: str) -> bool:
        """Whether another arrival goes, or went, to this place or into this folder."""
        place = os.fsencode(destination)
        return bool(
            self._db.execute(
                "select 1 from arrivals where id != ? and state != 'returned' "
                "and (destination = ? or substr(destination, 1, ?) = ?) limit 1",
                (to_other_than, place, len(place) + 1, place + b"/"),
            ).fetchone()
        )

    def sightings(self) -> dict[Path, Sighting]:
        rows = self._db.execute("select * from sightings")
        return {_path(r["path"]): Sighting(r["signature"], r["since"], r["lacking"], r["not_before"]) for r in rows}

    def keep_sightings(self, changed: Mapping[Path, tuple[Sighting, str | None]], gone: Iterable[Path] = ()) -> None:
        """Write what a scan has seen: (sighting, what it waits for) of each path."""
        gone = list(gone)
        if not (changed or gone):
            return
        with self.writing() as db:
            db.executemany("delete from sightings where path = ?", [(os.fsencode(p),) for p in gone])
            db.executemany(
                "insert or replace into sightings values (?, ?, ?, ?, ?, ?)",
                [
                    (os.fsencode(p), s.signature, s.since, s.lacking, s.not_before, waits)
                    for p, (s, waits) in changed.items()
                ],
            )

    def waiting(self) -> list[tuple[Path, Sighting, str | None]]:
        """What lies in the inbox, as of the last scan, and what it waits for."""
        rows = self._db.execute("select * from sightings order by since, path").fetchall()
        return [
            (_path(r["path"]), Sighting(r["signature"], r["since"], r["lacking"], r["not_before"]), r["waits_for"])
            for r in rows
        ]

    def arrivals(self, limit: int | None = None) -> list[tuple[Arrival, Content | None]]:
        """The last arrivals, newest first, and what is known of their contents."""
        rows = self._db.execute(
            "select * from arrivals order by taken desc, id limit ?", (-1 if limit is None else limit,)
        ).fetchall()
        return [(a := _arrival(row), self.content(a.sha256)) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many arrivals are in each state."""
        rows = self._db.execute("select state, count(*) as n from arrivals group by state order by state")
        return {r["state"]: r["n"] for r in rows}


class ReadOnly(Ledger):
    """The ledger for those who only look: nothing is made and nothing is changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = _connected(f"file:{_quoted(path)}?mode=ro")


def _opened(path: Path) -> sqlite3.Connection:
    try:
        db = _connected(f"file:{_quoted(path)}?mode=rwc")
        db.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise TransientError(f"{path}: the ledger can't be opened ({error}).") from error
        raise TransientError(
            f"{path}: not a ledger, or damaged ({error}). Move it away: what is published already is recognised."
        ) from error
    return db


def _connected(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    db.row_factory = _dict
    db.execute("pragma synchronous = full")
    return db


def _dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _quoted(path: Path) -> str:
    from urllib.parse import quote_from_bytes

    return quote_from_bytes(os.fsencode(path.absolute()))


def _arrival(row: Mapping[str, Any]) -> Arrival:
    destination = row["destination"]
    return Arrival(
        **{
            **row,
            "name": _path(row["name"]),
            "destination": None if destination is None else _path(destination),
            "filed": bool(row["filed"]),
            "excused": bool(row["excused"]),
        }
    )


def _path(name: bytes) -> Path:
    return Path(os.fsdecode(name))


def _bytes(path: Path | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


def read_only(path: Path) -> closing[ReadOnly] | None:
    """The ledger at `path`, to be looked at; None where there is none yet."""
    return closing(ReadOnly(path)) if path.is_file() else None
