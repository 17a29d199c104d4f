"""The ledger, an SQLite database in the inbox: the state of every file that was ever seen.

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
from pathlib import Path
from typing import Any, Literal

from tasks.errors import TransientError
from tasks.intake import rows as database
from tasks.intake.completeness import Sighting
from tasks.intake.rows import Arrival, Content, State, arrival_of, bytes_of, path_of, sighting_of


class Ledger:
    """The open database, for one thread at a time. Call `close` when done."""

    def __init__(self, path: Path, *, clock: Any = time.time) -> None:
        self.path, self._clock = path, clock
        self._db = database.open_database(path)
        self._place = _stat(path)

    def is_in_place(self) -> bool:
        """Whether the file that is open is still the one at its path: else its disk is gone, or it was moved away."""
        return self._place is not None and _stat(self.path) == self._place

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
        except sqlite3.DatabaseError as error:
            raise self._explain(error, "written") from error

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._explain(error, "read") from error

    def _explain(self, error: sqlite3.DatabaseError, doing: str) -> TransientError:
        folder = self.path.parent
        if not os.path.isdir(folder):
            return TransientError(f"{folder}: the folder is gone. Is its disk mounted?")
        if not self.is_in_place():
            return TransientError(describe_displaced(folder))
        full = "full" in str(error)
        advice = "Make room on its disk." if full else "Is its disk there, and yours to write to?"
        return TransientError(f"{self.path}: the ledger can't be {doing} ({error}). {advice}")

    def content(self, sha256: str) -> Content | None:
        """The row of `contents` of this digest."""
        return next((Content(**row) for row in self._rows("select * from contents where sha256 = ?", sha256)), None)

    def arrival(self, arrival_id: str) -> Arrival | None:
        """The row of `arrivals` of this id."""
        return next(map(arrival_of, self._rows("select * from arrivals where id = ?", arrival_id)), None)

    def begin(self, arrival: Arrival, size: int, settings_digest: str, attempts: int | None = None) -> None:
        """Record a claim with its destination, and count one more attempt of its content (or `attempts` in
        all)."""
        now = self._clock()
        with self.writing() as db:
            before = self.content(arrival.sha256)
            same = before is not None and before.settings_digest == settings_digest
            tried = before.attempts if before and same and before.state in ("claimed", "returned") else 0
            db.execute(
                "insert into contents values (?, ?, 'claimed', ?, ?, null, null, null, null, ?, ?) "
                "on conflict (sha256) do update set state = 'claimed', attempts = excluded.attempts, error = null, "
                "settings_digest = excluded.settings_digest, changed = excluded.changed",
                (arrival.sha256, size, attempts or tried + 1, settings_digest, now, now),
            )
            self._insert(db, arrival)

    def adopt(self, sha256: str, size: int, settings_digest: str, recording_id: str, run_id: str) -> None:
        """Record that a content unknown to this ledger is published already."""
        now = self._clock()
        with self.writing() as db:
            db.execute(
                "insert or ignore into contents values (?, ?, 'done', 0, ?, null, ?, ?, null, ?, ?)",
                (sha256, size, settings_digest, recording_id, run_id, now, now),
            )

    def link(self, arrival: Arrival) -> None:
        """Record a claim whose content is published already, with its destination."""
        with self.writing() as db:
            self._insert(db, arrival)
            db.execute("update arrivals set ended = taken where id = ?", (arrival.id,))

    def _insert(self, db: sqlite3.Connection, arrival: Arrival) -> None:
        db.execute(
            "insert into arrivals values (?, ?, ?, ?, ?, 0, 0, ?, null, ?, ?)",
            (
                arrival.id,
                arrival.sha256,
                os.fsencode(arrival.name),
                arrival.state,
                bytes_of(arrival.destination),
                self._clock(),
                arrival.host,
                arrival.pid,
            ),
        )
        # The next file of that name is another one, though it be as long and as old.
        db.execute("delete from sightings where path = ?", (os.fsencode(arrival.name),))

    def end(self, arrival_id: str, state: State, **facts: str | None) -> None:
        """Set the final state of an arrival, before its file is moved. `facts`: recording_id, run_id, sidecar,
        error."""
        now = self._clock()
        with self.writing() as db:
            db.execute("update arrivals set state = ?, ended = ? where id = ?", (state, now, arrival_id))
            names = ["state", "changed", *facts]
            db.execute(
                f"update contents set {', '.join(f'{n} = ?' for n in names)} "
                "where sha256 = (select sha256 from arrivals where id = ?)",
                (state, now, *facts.values(), arrival_id),
            )

    def excuse(self, arrival_id: str) -> None:
        """Take back an arrival's attempt: it was stopped on request, or by a fault that isn't the file's."""
        with self.writing() as db:
            db.execute(
                "update contents set attempts = max(0, attempts - 1) where state = 'claimed' "
                "and sha256 = (select sha256 from arrivals where id = ? and not excused)",
                (arrival_id,),
            )
            db.execute("update arrivals set excused = 1 where id = ?", (arrival_id,))

    def send_to(self, arrival_id: str, destination: Path | None) -> None:
        with self.writing() as db:
            db.execute("update arrivals set destination = ? where id = ?", (bytes_of(destination), arrival_id))

    def mark_filed(self, arrival_id: str) -> None:
        """Record that the file has reached its destination."""
        with self.writing() as db:
            db.execute("update arrivals set filed = 1 where id = ?", (arrival_id,))

    def is_promised(self, destination: Path, to_other_than: str) -> bool:
        """Whether another arrival's destination is this path or lies in it."""
        place = os.fsencode(destination)
        return bool(
            self._rows(
                "select 1 from arrivals where id != ? and state != 'returned' "
                "and (destination = ? or substr(destination, 1, ?) = ?) limit 1",
                to_other_than, place, len(place) + 1, place + b"/",
            )
        )  # fmt: skip

    def sightings(self) -> dict[Path, Sighting]:
        """The sightings of earlier scans, by path."""
        return {path: seen for path, seen, _ in self.waiting()}

    def keep_sightings(self, changed: Mapping[Path, tuple[Sighting, str | None]], gone: Iterable[Path] = ()) -> None:
        """Write the sightings of a scan: (sighting, what the file waits for) by path; delete those of `gone`."""
        gone = list(gone)
        if not (changed or gone):
            return
        with self.writing() as db:
            db.executemany("delete from sightings where path = ?", [(os.fsencode(p),) for p in gone])
            db.executemany(
                "insert or replace into sightings values (?, ?, ?, ?, ?, ?, ?)",
                [
                    (os.fsencode(p), s.signature, s.since, s.lacking, s.not_before, waits, s.failures)
                    for p, (s, waits) in changed.items()
                ],
            )

    def waiting(self) -> list[tuple[Path, Sighting, str | None]]:
        """(path, sighting, what the file waits for) of each file of the last scan, oldest first."""
        rows = self._rows("select * from sightings order by since, path")
        return [(path_of(row["path"]), sighting_of(row), row["waits_for"]) for row in rows]

    def record_kept(self, path: Path, fingerprint: str, settings_digest: str) -> None:
        """Record that the recording at `path` is done with these settings, and stays there."""
        with self.writing() as db:
            row = (os.fsencode(path), settings_digest, fingerprint)
            db.execute("insert or replace into kept values (?, ?, ?)", row)

    def read_kept(self, settings_digest: str) -> dict[Path, str]:
        """The fingerprints of recordings that are done with these settings and have stayed where they are."""
        rows = self._rows("select * from kept where settings_digest = ?", settings_digest)
        return {path_of(row["path"]): row["fingerprint"] for row in rows}

    def forget(self, gone: Iterable[Path]) -> None:
        """Delete the rows of kept recordings that are gone."""
        gone = list(gone)
        if gone:
            with self.writing() as db:
                db.executemany("delete from kept where path = ?", [(os.fsencode(p),) for p in gone])

    def keep_leftovers(self, found: Mapping[Path, str]) -> None:
        """Write what the last scan found that is not taken, with the reasons; delete what is gone."""
        known = {path: reason for path, reason, _ in self.leftovers()}
        gone = [(os.fsencode(p),) for p in set(known) - set(found)]
        new = [(os.fsencode(p), why, self._clock()) for p, why in found.items() if known.get(p) != why]
        if gone or new:
            with self.writing() as db:
                db.executemany("delete from leftovers where path = ?", gone)
                db.executemany("insert or replace into leftovers values (?, ?, ?)", new)

    def leftovers(self) -> list[tuple[Path, str, float]]:
        """(path, why it is not taken, since when) of what the last scan found, by path."""
        if not self._rows("select 1 from sqlite_master where name = 'leftovers'"):
            return []  # of an earlier version, opened for reading
        rows = self._rows("select * from leftovers order by path")
        return [(path_of(row["path"]), row["reason"], row["since"]) for row in rows]

    def arrivals(self, limit: int | None = None) -> list[tuple[Arrival, Content | None]]:
        """The latest arrivals, newest first, each with its content."""
        rows = self._rows("select * from arrivals order by taken desc, id limit ?", -1 if limit is None else limit)
        return [(a := arrival_of(row), self.content(a.sha256)) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many arrivals are in each state."""
        rows = self._rows("select state, count(*) as n from arrivals group by state order by state")
        return {r["state"]: r["n"] for r in rows}


def describe_displaced(inbox: Path) -> str:
    """What to say of an inbox whose ledger is no longer the one that was opened."""
    return f"{inbox}: no longer the folder that is watched: its ledger is not here any more. Is its disk mounted?"


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class ReadOnly(Ledger):
    """The ledger for reading: nothing is created or changed."""

    def __init__(self, path: Path, mode: Literal["ro", "rw"] = "ro") -> None:
        self.path = path
        self._db = database.connect(path, mode)
        self._place = _stat(path)

    def check_readable(self) -> None:
        """Read one row. Raises sqlite3.DatabaseError where that fails."""
        self._db.execute("select count(*) from arrivals").fetchone()


def read_only(path: Path) -> closing[ReadOnly] | None:
    """The ledger at `path`, for reading; None where there is none yet. Raises TransientError where it is damaged or
    can't be read."""
    if not path.is_file():
        return None
    for mode in ("ro", "rw"):  # after a crash SQLite must first undo what was begun, and may not when it only reads
        ledger = None
        try:
            ledger = ReadOnly(path, mode)  # type: ignore[arg-type]
            ledger.check_readable()
            return closing(ledger)
        except sqlite3.DatabaseError as error:
            if ledger is not None:
                ledger.close()
            if isinstance(error, sqlite3.OperationalError):
                if "no such table" in str(error):  # somebody is making it
                    return None
                continue
            raise TransientError(f"{path}: not a ledger, or damaged ({error}). Move it away.") from error
    raise TransientError(f"{path}: the ledger can't be read. Who may write into the inbox?")
