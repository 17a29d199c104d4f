"""The log on disk: one writer at a time, replaced as a whole; and the machine's words of published recordings.

    <store>/corrections.json               the log, canonical JSON
    <store>/machine/<place>-<run>.json.gz  words, segments and turns of a published run as they were before the facts,
                                           with their quality, and their translations, where there were any
    <store>/.journal/lock                  held by whoever changes anything, or publishes tables that show facts

The machine's words of a run are written before its tables are published, and removed once another run's are: whatever
moment a process dies at, those of the published run are there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasks.corrections.facts import Fact, read_row, write_row
from tasks.corrections.log import FactLog, Shown, mark_shown
from tasks.errors import MachineFault, TransientError, UsageError
from tasks.records import HourQuality, Segment, Transcript, Translation, Turn, Word, as_dict
from tasks.sharing.state import SharedState, hold_state, refresh_state
from tasks.storage import files, journal
from tasks.storage.atomic import write_atomically

log = logging.getLogger(__name__)

FILE, MACHINE = "corrections.json", "machine"
VERSION = 1
PATIENCE_S = 900.0
"""Seconds to wait for the lock; another run holds it while it publishes, about 10 s for a day's recording."""
KINDS: dict[str, Any] = {
    "words": Word,
    "segments": Segment,
    "turns": Turn,
    "translations": Translation,
    "quality": HourQuality,
}


@dataclass(slots=True)
class OpenStore:
    """The store, opened under its lock. Its methods raise TransientError where it can't be written."""

    folder: Path
    log: FactLog
    shared: SharedState | None = None
    """Of which the folder is a copy, where machines share the corrections."""

    def commit(self, changed: FactLog) -> None:
        """Replace the log on disk; the machine's words of recordings that it doesn't know are removed."""
        with _translate_errors(self.folder):
            if changed != self.log:
                write_atomically(self.folder / FILE, serialize_log(changed))
                files.sync_folders([self.folder])
            self.log = changed
            known = {_name_place(s.out, s.recording_id) for s in changed.shown}
            self._remove_machines(lambda name: name.partition("-")[0] not in known)
            if self.shared is not None:
                self.shared.push()

    def mark_shown(self, place: Shown) -> None:
        """Commit that the published tables of a recording show these facts."""
        self.commit(mark_shown(self.log, place))
        own, kept = _name_place(*place.place), _name_machine(*place.place, place.run_id)
        with _translate_errors(self.folder):
            self._remove_machines(lambda name: name.partition("-")[0] == own and name != kept)

    def keep_machine(self, out: str, transcript: Transcript) -> None:
        """Keep the words, segments, turns, translations and quality of a run before its tables show facts."""
        path = self.folder / MACHINE / _name_machine(out, transcript.recording.recording_id, transcript.run.run_id)
        held = {kind: _to_columns(getattr(transcript, kind), KINDS[kind]) for kind in KINDS}
        with _translate_errors(self.folder):
            files.make_folder(path.parent)
            write_atomically(path, gzip.compress(json.dumps(held).encode(), 1, mtime=0))
            files.sync_folders([path.parent])
            if self.shared is not None:
                self.shared.push()

    def _remove_machines(self, is_over: Callable[[str], bool]) -> None:
        for path in (self.folder / MACHINE).glob("*.gz"):
            if is_over(path.name):
                files.remove(path)

    def restore_machine(self, out: str, transcript: Transcript) -> Transcript | None:
        """As `read_machine`."""
        return read_machine(self.folder, out, transcript)


def read_machine(folder: Path, out: str, transcript: Transcript) -> Transcript | None:
    """The transcript with the words, segments and turns that its run gave, and the translations that it had before
    the first fact; None where they were not kept."""
    path = folder / MACHINE / _name_machine(out, transcript.recording.recording_id, transcript.run.run_id)
    try:
        held = json.loads(gzip.decompress(path.read_bytes()))
        held.setdefault("translations", {})  # files of before there were any lack them
        wanted = [kind for kind in KINDS if kind != "quality" or kind in held]  # the same: as in the tables
        kept: dict[str, Any] = {kind: tuple(_from_columns(held[kind], KINDS[kind])) for kind in wanted}
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: the machine's words can't be read (%s); those of the tables count as such", path, error)
        return None
    return replace(transcript, **kept)


def has_log(folder: Path) -> bool:
    """Whether anything was ever corrected."""
    with _translate_errors(folder):
        refresh_state(folder)
    return (folder / FILE).exists()


def read_log(folder: Path) -> FactLog:
    """Read the log without the lock; an empty one where there is none.

    Raises MachineFault for a file that can't be read, UsageError for that of a later version.
    """
    with _translate_errors(folder):
        refresh_state(folder)
    return _read_log(folder)


def _read_log(folder: Path) -> FactLog:
    path = folder / FILE
    try:
        held = json.loads(path.read_bytes())
        if held["version"] != VERSION:
            raise UsageError(f"{path}: written by another Daylong (version {held['version']}); update this one.")
        return FactLog(
            tuple(map(_read_fact, held["facts"])), tuple(Shown(*row) for row in held["shown"]), int(held["last"])
        )
    except FileNotFoundError:
        return FactLog()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MachineFault(
            f"{path}: the corrections can't be read ({error}). Put the file aside, or restore it from a copy."
        ) from error


@contextmanager
def open_store(folder: Path) -> Iterator[OpenStore]:
    """Open the store under its lock, creating it if needed. Raises TransientError where the lock isn't free within
    `PATIENCE_S`, or the store can't be written."""
    with ExitStack() as held:
        with _translate_errors(folder):
            lock = held.enter_context(journal.lock_journal(folder, PATIENCE_S))
            shared = held.enter_context(hold_state(folder, lock, PATIENCE_S))
        yield OpenStore(folder, _read_log(folder), shared)


def serialize_log(held: FactLog) -> bytes:
    """The log as canonical JSON: equal logs give equal bytes."""
    rows = [{**write_row(f), "number": f.number, "undone": f.undone} for f in held.facts]
    whole = {"version": VERSION, "last": held.last, "facts": rows, "shown": [list(s) for s in held.shown]}
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n"


def _read_fact(row: dict[str, Any]) -> Fact:
    fact = read_row(row)
    if not isinstance(fact, Fact):
        raise ValueError("a restore is no fact")
    return replace(fact, number=int(row["number"]), undone=bool(row["undone"]))


def _name_machine(out: str, recording_id: str, run_id: str) -> str:
    return f"{_name_place(out, recording_id)}-{_digest(run_id)}.json.gz"


def _name_place(out: str, recording_id: str) -> str:
    return _digest(f"{out}\0{recording_id}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]


def _to_columns(records: Any, kind: Any) -> dict[str, list[Any]]:
    names = list(kind.__dataclass_fields__)
    return {name: [as_dict(getattr(record, name)) for record in records] for name in names}


def _from_columns(columns: dict[str, list[Any]], kind: Any) -> Iterator[Any]:
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield kind(**dict(zip(names, values, strict=True)))


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise TransientError(
            f"{folder}: corrections could not be kept there ({err.strerror or err}); check the disk's space and "
            "rights."
        ) from err
