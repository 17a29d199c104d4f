"""Enter and undo corrections of words and turns, and write the recordings again whose tables are to show them."""

from __future__ import annotations

import getpass
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.corrections.publication import concerns
from flows.locations import resolve_corrections
from flows.speakers.republish import Say, rewrite
from tasks.corrections.facts import Fact, Restore, read_row
from tasks.corrections.log import FactLog, enter, expect, list_stale, mark_shown, undo
from tasks.corrections.store import open_store, read_log
from tasks.dataset.read import count_stale, find_row
from tasks.errors import DaylongError, UsageError
from tasks.records import Transcript
from tasks.sharing.copies import locate_place, name_place
from tasks.storage.files import is_accessible_folder

log = logging.getLogger("daylong.corrections")

MAX_BYTES = 50_000_000
"""Bytes of a file of corrections: hundreds of thousands of them."""


@dataclass(slots=True)
class EntryResult:
    """`entered`, `undone`: facts; `rewritten`: lines on recordings written again; `faults`: on those that could not
    be; `absent`: digests of recordings that are not among the results, so that their facts wait."""

    entered: list[Fact] = field(default_factory=list)
    undone: list[Fact] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CorrectionsFile:
    """What a file holds: rows on words and turns, and whether there are names of speakers in it."""

    rows: tuple[Fact | Restore, ...]
    has_names: bool


def read_corrections(path: Path, out: Path, by: str | None = None) -> CorrectionsFile:
    """Read a file as a report or `daylong corrections export` saves it; `by`: who says so, where the file doesn't.

    Raises UsageError for any other file, and where the recording of a report is not known.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        held = json.loads(path.read_bytes())
        if held["daylong"] != "corrections" or held["version"] != 1:
            raise ValueError("another form")
        edits = list(held.get("edits") or ())
        sha256 = held.get("sha256") or (_find_digest(held, out) if any("sha256" not in e for e in edits) else "")
        return CorrectionsFile(read_rows(edits, sha256, by), bool(held.get("speakers")))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise UsageError(f"{path}: not a file of corrections as a report saves them ({error!r:.80}).") from None


def read_rows(edits: Sequence[Any], sha256: str, by: str | None = None) -> tuple[Fact | Restore, ...]:
    """Read rows as they are in files; `by`: who says so, where they don't. Raises as `read_row`."""
    return tuple(_sign(read_row(dict(edit), sha256), by) for edit in edits)


def apply_rows(rows: Sequence[Fact | Restore], out: Path, say: Say = log.info) -> EntryResult:
    """Enter facts, all or none, and write the recordings again that they are about."""
    return _rewrite(enter_rows(rows, out), say)


def enter_rows(rows: Sequence[Fact | Restore], out: Path, instead_of: Sequence[int] = ()) -> EntryResult:
    """Enter facts, all or none, in place of those with these numbers; `rewrite_stale` writes their recordings again.

    Raises UsageError where one of those is undone already, or a later one builds on it.
    """
    done = EntryResult()
    with open_store(resolve_corrections(out)) as store:
        changed = store.log
        for number in sorted(instead_of, reverse=True):
            changed, gone = undo(changed, number)
            done.undone.append(gone)
        changed, done.entered, restored = enter(changed, rows)
        done.undone += restored
        for sha256 in sorted({row.sha256 for row in rows}):
            found = find_published(out, sha256)
            for recording_id, run_id in found:
                changed = expect(changed, name_place(out), recording_id, sha256, run_id)
            if not found:
                done.absent.append(sha256)
        store.commit(changed)
    return done


def undo_fact(number: int | None, say: Say = log.info) -> EntryResult:
    """Take a fact back, the last by default, and write its recordings again."""
    done = EntryResult()
    with open_store(resolve_corrections()) as store:
        changed, fact = undo(store.log, number)
        store.commit(changed)
    done.undone = [fact]
    return _rewrite(done, say)


def rewrite_stale(say: Say = log.info) -> tuple[list[str], list[str]]:
    """Write all recordings again whose tables show other facts than the store holds; return lines on those that were
    and on those that failed, which stay due. A call after a crash goes on where it ended."""
    folder = resolve_corrections()
    rewritten: list[str] = []
    faults: dict[tuple[str, str], str] = {}
    while True:
        due = [
            s
            for s in list_stale(read_log(folder))
            if s.place not in faults
            and is_accessible_folder(locate_place(s.out))  # others wait until their disk is there
        ]
        if not due:
            return rewritten, list(faults.values())
        out, recording_id = due[0].place
        try:
            run_id = rewrite(locate_place(out), recording_id)
            if run_id is None:
                with open_store(folder) as store:
                    store.commit(mark_shown(store.log, due[0]._replace(facts="")))
            elif due[0] in list_stale(read_log(folder)):
                raise UsageError("its tables could not be brought up to date")
        except (DaylongError, OSError) as error:
            faults[due[0].place] = f"{recording_id} in {out}: {error}"
            continue
        became = f"written again{describe_stale(Path(out), recording_id)}" if run_id else "no longer there"
        rewritten.append(f"{recording_id}: {became}")
        say(rewritten[-1])


def describe_stale(out: Path, recording_id: str) -> str:
    """Say how many segments have no translation since they were corrected, and what to do; empty where all have."""
    stale = count_stale(out, recording_id)
    if not stale:
        return ""
    counts = ", ".join(f"{language} {count:,}" for language, count in stale.items())
    again = f"daylong translate {recording_id} --to {','.join(stale)}"
    return f"; segments that are to be translated again: {counts}. {again}"


def apply_missed(transcript: Transcript, out: Path) -> None:
    """Write a recording again if facts on it were entered while a run published it. For the end of a run: a fault is
    logged, and the next correction tries again."""
    folder, place = resolve_corrections(out), name_place(out)
    recording, run = transcript.recording, transcript.run
    try:
        if not concerns(read_log(folder), place, transcript):
            return
        with open_store(folder) as store:
            shown = store.log.find_shown(place, recording.recording_id)
            if shown is not None and shown.run_id == run.run_id:
                return
            store.commit(_make_stale(store.log, transcript, place))
        rewrite_stale()
    except (DaylongError, OSError) as error:
        log.warning("corrections of %s could not be looked at: %s", recording.source_name, error)


def _make_stale(held: FactLog, transcript: Transcript, out: str) -> FactLog:
    recording = transcript.recording
    others = replace(held, shown=tuple(s for s in held.shown if s.place != (out, recording.recording_id)))
    if not held.of(recording.sha256):
        return others
    return expect(others, out, recording.recording_id, recording.sha256, transcript.run.run_id)


def _rewrite(done: EntryResult, say: Say) -> EntryResult:
    done.rewritten, done.faults = rewrite_stale(say)
    return done


def find_published(out: Path, sha256: str) -> list[tuple[str, str]]:
    """(recording_id, run_id) of the recordings under `out` with this digest."""
    found = []
    for path in sorted((out / "recordings").glob(f"recorded_date=*/*-{sha256[:8]}.parquet")):
        row = find_row(out, "", path.stem)
        if row is not None and row["sha256"] == sha256:
            found.append((str(row["recording_id"]), str(row["run_id"])))
    return found


def _find_digest(held: dict[str, Any], out: Path) -> str:
    """The digest of a report's recording. Raises UsageError where the results have none of its id."""
    recording_id = held["recording_id"]
    row = find_row(out, "", recording_id) if isinstance(recording_id, str) and "/" not in recording_id else None
    if row is None:
        raise UsageError(f"{out} has no recording {recording_id!r:.80}; --out says where its results are.")
    return str(row["sha256"])


def _sign(row: Fact | Restore, by: str | None) -> Fact | Restore:
    """A fact with who says so and when, where the file doesn't tell."""
    if isinstance(row, Restore):
        return row
    at = row.at or datetime.now(UTC).isoformat(timespec="seconds")
    return replace(row, by=row.by or by or find_user(), at=at)


def find_user(read: Callable[[], str] = getpass.getuser) -> str:
    """The name of the account; empty where there is none."""
    try:
        return read()
    except (OSError, KeyError, ImportError):
        return ""
