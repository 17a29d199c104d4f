"""Whether a file that lies in the inbox is whole: arithmetic on what was seen of it, at two scans or more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.intake.open_files import is_being_written
from tasks.intake.scan import Candidate, Refused

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
"""What has failed for a passing reason is left alone for so long, times four for each more try."""


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
    failures: int = 0
    """So often has opening it failed."""


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


def again_at(now: float, tried: int) -> float:
    """When to try again what has failed so often."""
    return now + AGAIN_S * 4.0 ** (tried - 1)


def judge(
    candidate: Candidate,
    before: Sighting | None,
    now: float,
    *,
    settle_s: float,
    patience_s: float,
    attempts: int,
    whole: Callable[[Candidate], str | None],
    is_open: Callable[[Candidate], bool | None],
) -> Verdict:
    """Whether to take a candidate.

    It is taken at once if it is marked; else when it is as it was at least `settle_s` before, nobody has it open for
    writing, and `whole` finds nothing missing. Where something is missing, or it is empty, it is taken as it is once
    nothing has changed for `patience_s`: its end will not come. `whole` has it opened; where that fails `attempts`
    times, it is taken to be set aside. A folder that holds what isn't of the recording waits until that is moved.
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
        return _opened(candidate, seen, now, attempts, whole)
    if known is None:
        return Verdict(candidate, seen, CHANGING if before else SEEN, max(now + settle_s, seen.not_before))
    due = max(known.since + settle_s, known.not_before)
    if now < due:
        return Verdict(candidate, known, AGAIN if now < known.not_before else SETTLING, due)
    if is_open(candidate):
        return Verdict(candidate, known, OPEN)
    found = _opened(candidate, known, now, attempts, whole)
    due = known.since + max(settle_s, patience_s)
    if not found.waits_for and found.sighting.lacking and now < due:
        return Verdict(candidate, found.sighting, found.sighting.lacking, due)
    return found


def _opened(
    candidate: Candidate, seen: Sighting, now: float, attempts: int, whole: Callable[[Candidate], str | None]
) -> Verdict:
    """A candidate that is taken, with what is missing of it; or one that waits since opening it has failed."""
    if seen.lacking is None and seen.failures < attempts:
        try:
            seen = replace(seen, lacking=_lacking(candidate, whole))
        except (OSError, MemoryError) as error:  # this machine's fault: no file is set aside for that
            log.warning("%r: could not be opened now: %s", str(candidate.path), error)
            seen = replace(seen, not_before=again_at(now, 1))
            return Verdict(candidate, seen, HARMFUL, seen.not_before)
        except Exception as error:  # whatever is wrong with it or with us: one file never stops the others
            seen = replace(seen, failures=seen.failures + 1)
            log.warning("%r: opening it failed: %s", str(candidate.path), error)
            if seen.failures < attempts:
                seen = replace(seen, not_before=again_at(now, seen.failures))
                return Verdict(candidate, seen, HARMFUL, seen.not_before)
    fault = FAULT if seen.failures >= attempts else None
    return Verdict(replace(candidate, fault=fault), seen)


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
