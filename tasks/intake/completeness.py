"""Judge whether a file in the inbox is complete, by the sightings of two or more scans. Pure functions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.intake.open_files import is_being_written
from tasks.intake.scan import Candidate, Leftover, Refused

log = logging.getLogger("daylong.intake")

SEEN = "just seen"
SETTLING = "settling"
EMPTY = "empty so far"
CHANGING = "still changing"
OPEN = "still open for writing"
AGAIN = "to be tried again"
HARMFUL = "opening it as sound failed, to be tried again"
FAULT = (
    "it can't be opened: the decoder crashed, hung or failed on it, each time that it was tried. Play it to see "
    "whether it is sound."
)

AGAIN_S = 60.0
"""Seconds until a file whose failure is temporary is tried again, times four for each more attempt."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The state of a path at an earlier scan. Times are seconds since the epoch."""

    signature: str
    since: float
    """Time of the first scan that saw this signature."""
    lacking: str | None = None
    """What is missing of the file: "" where nothing is, None where it has not been opened yet."""
    not_before: float = 0.0
    """Earliest time at which to try again."""
    failures: int = 0
    """Number of times that opening the file failed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a candidate: the sighting to record, and what it waits for (None: it may be taken)."""

    candidate: Candidate
    sighting: Sighting
    waits_for: str | None = None
    due: float | None = None
    """Earliest time at which it may be taken if nothing changes; None where that isn't known."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The result of a scan: candidates to take, in order; candidates that wait; refused paths; leftovers."""

    ready: tuple[Candidate, ...]
    waiting: tuple[Verdict, ...]
    refused: tuple[Refused, ...]
    leftovers: tuple[Leftover, ...] = ()
    stop_file: str | None = None
    """The name of the file STOP, where one lies in the inbox."""

    @property
    def stopped(self) -> bool:
        """Whether nothing is to be taken."""
        return self.stop_file is not None

    def due(self, now: float) -> float | None:
        """Seconds until the next unchanged file may be taken; None without any. Files that still change don't count:
        one that grows for a day would keep the caller waiting."""
        resting = [v.due for v in self.waiting if v.due is not None and v.waits_for in (SEEN, SETTLING)]
        return max(0.0, min(resting) - now) if resting else None


def compute_retry_time(now: float, tried: int) -> float:
    """The time at which to try again after `tried` failures, seconds since the epoch."""
    return now + AGAIN_S * 4.0 ** (tried - 1)


def judge(
    candidate: Candidate,
    before: Sighting | None,
    now: float,
    *,
    settle_s: float,
    patience_s: float,
    attempts: int,
    find_missing: Callable[[Candidate], str | None],
    is_open: Callable[[Candidate], bool | None],
) -> Verdict:
    """Whether to take a candidate.

    It is taken at once if it is marked; else when it is as it was at least `settle_s` before, no process has it
    open for writing, and `find_missing` finds nothing missing. Where something is missing, or it is empty, it is
    taken as it is once nothing has changed for `patience_s`: its end will not come. Where `find_missing` raises
    `attempts` times the candidate is taken with a fault, to be quarantined. A folder with an obstacle waits until
    that is removed.
    """
    known = before if before and before.signature == candidate.signature and now >= before.since else None
    seen = known or Sighting(candidate.signature, now, not_before=before.not_before if before else 0.0)
    if candidate.obstacle:
        return Verdict(candidate, seen, candidate.obstacle)
    if candidate.marked:
        if before and before.signature not in ("", candidate.signature):
            seen = replace(seen, not_before=0.0)  # another file, which somebody vouches for
        if now < seen.not_before:
            return Verdict(candidate, seen, HARMFUL if seen.failures else AGAIN, seen.not_before)
        return _open_and_check(candidate, seen, now, attempts, find_missing)
    if known is None:
        return Verdict(candidate, seen, CHANGING if before else SEEN, max(now + settle_s, seen.not_before))
    due = max(known.since + settle_s, known.not_before)
    if now < due:
        return Verdict(candidate, known, AGAIN if now < known.not_before else SETTLING, due)
    if is_open(candidate):
        return Verdict(candidate, known, OPEN)
    found = _open_and_check(candidate, known, now, attempts, find_missing)
    due = known.since + max(settle_s, patience_s)
    if not found.waits_for and found.sighting.lacking and now < due:
        return Verdict(candidate, found.sighting, found.sighting.lacking, due)
    return found


def _open_and_check(
    candidate: Candidate, seen: Sighting, now: float, attempts: int, find_missing: Callable[[Candidate], str | None]
) -> Verdict:
    """Open the candidate: a verdict to take it, with what is missing of it; or to wait, where opening it failed."""
    if seen.lacking is None and seen.failures < attempts:
        try:
            seen = replace(seen, lacking=_describe_missing(candidate, find_missing))
        except (OSError, MemoryError) as error:  # this machine's fault: no file is set aside for that
            log.warning("%r: could not be opened now: %s", str(candidate.path), error)
            seen = replace(seen, not_before=compute_retry_time(now, 1))
            return Verdict(candidate, seen, HARMFUL, seen.not_before)
        except Exception as error:  # whatever is wrong with it or with us: one file never stops the others
            seen = replace(seen, failures=seen.failures + 1)
            log.warning("%r: opening it failed: %s", str(candidate.path), error)
            if seen.failures < attempts:
                seen = replace(seen, not_before=compute_retry_time(now, seen.failures))
                return Verdict(candidate, seen, HARMFUL, seen.not_before)
    fault = FAULT if seen.failures >= attempts else None
    return Verdict(replace(candidate, fault=fault), seen)


def _describe_missing(candidate: Candidate, find_missing: Callable[[Candidate], str | None]) -> str:
    if not candidate.size:
        return EMPTY
    if candidate.copying:
        return f"{candidate.copying} is being copied into it"
    return find_missing(candidate) or ""


def is_open_for_writing(inbox: Path, candidate: Candidate) -> bool | None:
    """Whether the candidate, or any file in it, is open for writing; None where that can't be known."""
    whole = inbox / candidate.path
    answers = [is_being_written(f) for f in (sorted(whole.iterdir()) if candidate.is_folder else [whole])]
    return True if True in answers else None if None in answers else False
