"""Whether a file that lies in the inbox is whole: arithmetic on what was seen of it, at two scans or more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.intake.open_files import is_being_written
from tasks.intake.scan import Candidate, Refused

SEEN = "just seen"
SETTLING = "settling"
EMPTY = "empty so far"
CHANGING = "still changing"
OPEN = "still open for writing"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What an earlier scan has seen of a path. Times are seconds since the epoch."""

    signature: str
    since: float
    """It has had this signature since then, as far as we know."""
    lacking: str | None = None
    """What is missing of it, once that was looked at: "" where nothing is."""
    not_before: float = 0.0
    """It was tried and given back; next time not before then."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scan makes of a candidate: the sighting to keep, and why it isn't taken (None: it is)."""

    candidate: Candidate
    sighting: Sighting
    waits_for: str | None = None
    due: float | None = None
    """When it can be taken at the earliest, if nothing changes; None where that isn't known."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What lies in the inbox: what may be taken, in order, and what waits for something."""

    ready: tuple[Candidate, ...]
    waiting: tuple[Verdict, ...]
    refused: tuple[Refused, ...]
    stopped: bool = False

    def due(self, now: float) -> float | None:
        """Seconds until what rests now may be taken; None where nothing does. What still changes isn't waited for:
        a recording that grows for a day would never let anybody end."""
        resting = [v.due for v in self.waiting if v.due is not None and v.waits_for in (SEEN, SETTLING)]
        return max(0.0, min(resting) - now) if resting else None


def judge(
    candidate: Candidate,
    before: Sighting | None,
    now: float,
    *,
    settle_s: float,
    patience_s: float,
    whole: Callable[[Candidate], str | None],
    is_open: Callable[[Candidate], bool | None],
) -> Verdict:
    """Whether to take a candidate.

    It is taken at once if it is marked; else when it is as it was at least `settle_s` before, nobody has it open for
    writing, and `whole` finds nothing missing. Where something is missing, or it is empty, it is taken as it is once
    nothing has changed for `patience_s`: its end will not come.
    """
    if candidate.marked:
        return Verdict(candidate, Sighting(candidate.signature, now))
    if before is None or before.signature != candidate.signature or now < before.since:
        not_before = before.not_before if before else 0.0
        seen = Sighting(candidate.signature, now, not_before=not_before)
        return Verdict(candidate, seen, CHANGING if before else SEEN, max(now + settle_s, not_before))
    due = max(before.since + settle_s, before.not_before)
    if now < due:
        return Verdict(candidate, before, "to be tried again" if now < before.not_before else SETTLING, due)
    if is_open(candidate):
        return Verdict(candidate, before, OPEN)
    if before.lacking is None:
        before = replace(before, lacking=_lacking(candidate, whole))
    due = before.since + max(settle_s, patience_s)
    if before.lacking and now < due:
        return Verdict(candidate, before, before.lacking, due)
    return Verdict(candidate, before)


def _lacking(candidate: Candidate, whole: Callable[[Candidate], str | None]) -> str:
    if not candidate.size:
        return EMPTY
    if candidate.copying:
        return f"{candidate.copying} is being copied into it"
    return whole(candidate) or ""


def open_for_writing(inbox: Path, candidate: Candidate) -> bool | None:
    """Whether the candidate, or any file in it, is open for writing; None where the system doesn't tell."""
    whole = inbox / candidate.path
    answers = [is_being_written(f) for f in (sorted(whole.iterdir()) if candidate.is_folder else [whole])]
    return True if True in answers else None if None in answers else False
