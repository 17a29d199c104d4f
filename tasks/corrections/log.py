"""All facts that were entered, with those undone since, and which published tables show them. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tasks.corrections.facts import Fact, Restore, write_row
from tasks.errors import UsageError
from tasks.intervals import Span


class Shown(NamedTuple):
    """A published recording with facts: the run whose tables these are, and the digest of the facts they show."""

    out: str
    recording_id: str
    sha256: str
    run_id: str
    facts: str

    @property
    def place(self) -> tuple[str, str]:
        return self.out, self.recording_id


@dataclass(frozen=True, slots=True)
class FactLog:
    """Facts in the order in which they were entered, by their numbers."""

    facts: tuple[Fact, ...] = ()
    shown: tuple[Shown, ...] = ()
    last: int = 0
    """The highest number so far: none is given twice, even if its fact was forgotten."""

    def of(self, sha256: str) -> tuple[Fact, ...]:
        """The facts that hold for a recording."""
        return tuple(f for f in self.facts if f.sha256 == sha256 and not f.undone)

    def find_shown(self, out: str, recording_id: str) -> Shown | None:
        return next((s for s in self.shown if s.place == (out, recording_id)), None)


def enter(log: FactLog, rows: Sequence[Fact | Restore]) -> tuple[FactLog, list[Fact], list[Fact]]:
    """Enter the rows of a file; returns the log, the facts entered and those taken back by its restores.

    A fact that holds already is not entered again.
    """
    entered: list[Fact] = []
    restored: list[Fact] = []
    for row in rows:
        if isinstance(row, Restore):
            gone = [f for f in log.of(row.sha256) if f.span & row.span]
            log = _mark_undone(log, gone)
            restored += gone
        elif row.key not in {f.key for f in log.of(row.sha256)}:
            fact = replace(row, number=log.last + 1, undone=False)
            log = replace(log, facts=(*log.facts, fact), last=fact.number)
            entered.append(fact)
    return log, entered, restored


def undo(log: FactLog, number: int | None = None) -> tuple[FactLog, Fact]:
    """Take a fact back, the last by default. Raises UsageError where there is none, or a later one builds on it."""
    wanted = [f for f in log.facts if not f.undone and number in (None, f.number)]
    if not wanted:
        raise UsageError(
            "there is no correction to undo." if number is None else f"there is no correction {number} to undo."
        )
    fact = wanted[-1]
    later = [f for f in log.of(fact.sha256) if f.number > fact.number and f.span & fact.span]
    if later:
        raise UsageError(f"correction {fact.number}: undo {later[-1].number} first, it is about the same span.")
    return _mark_undone(log, [fact]), fact


def drop(log: FactLog, is_theirs: Callable[[Fact], bool]) -> tuple[FactLog, list[Fact]]:
    """Remove facts without a trace, those undone too; returns the log and what it lost."""
    gone = [f for f in log.facts if is_theirs(f)]
    numbers = {f.number for f in gone}
    return replace(log, facts=tuple(f for f in log.facts if f.number not in numbers)), gone


def digest_facts(facts: Sequence[Fact]) -> str:
    """Digest of the facts that tables show; empty for none."""
    rows = [write_row(f) for f in facts]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16] if rows else ""


def mark_shown(log: FactLog, place: Shown) -> FactLog:
    """Note what the tables of a recording show; a place that shows nothing is forgotten."""
    others = tuple(s for s in log.shown if s.place != place.place)
    return replace(log, shown=others if not place.facts else tuple(sorted((*others, place))))


def expect(log: FactLog, out: str, recording_id: str, sha256: str, run_id: str) -> FactLog:
    """Note a published recording whose tables are to show the facts, unless it is known."""
    if log.find_shown(out, recording_id):
        return log
    return replace(log, shown=tuple(sorted((*log.shown, Shown(out, recording_id, sha256, run_id, "")))))


def list_stale(log: FactLog) -> list[Shown]:
    """The published recordings whose tables show other facts than the log holds."""
    return [s for s in log.shown if s.facts != digest_facts(log.of(s.sha256))]


def overlaps(fact: Fact, spans: Sequence[Span]) -> bool:
    return any(bool(fact.span & span) for span in spans)


def _mark_undone(log: FactLog, gone: Sequence[Fact]) -> FactLog:
    numbers = {f.number for f in gone}
    return replace(log, facts=tuple(replace(f, undone=True) if f.number in numbers else f for f in log.facts))
