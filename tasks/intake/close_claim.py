"""Close a claim: file the recording, quarantine it or give it back; and recover the claims of dead processes.

Every step is idempotent: the decision is in the ledger before anything is moved.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tasks.intake import claim as claims
from tasks.intake import files
from tasks.intake.claim_lock import NOTE, ClaimLock, ClaimNote, is_alive_elsewhere
from tasks.intake.completeness import Sighting
from tasks.intake.destinations import Destinations, move_to_destination
from tasks.intake.ledger import Ledger
from tasks.intake.rows import SUCCESS, Arrival, Content

log = logging.getLogger("daylong.intake")


class PublishedRun(NamedTuple):
    """The latest publication of a recording in the tables."""

    recording_id: str
    run_id: str
    status: str
    """complete or partial."""
    at: float
    """Time of publication, seconds since the epoch."""


CHANGED = "it changed while it was processed; it is taken again."
SIDECAR_CHANGED = "what its sidecar tells came while it was processed; it is taken again."


@dataclass(frozen=True, slots=True)
class InboxPorts:
    """Functions that the folder-watch needs of other packages; the flow provides them."""

    find_missing: Callable[[Path], str | None]
    """Describe what is missing of the file at a path; None where it is complete. May raise any exception where
    opening the file fails."""
    find_publication: Callable[[str, str | None], PublishedRun | None]
    """Look up (sha256, recording_id if known) in the tables; None unless published with the present settings."""
    settings_digest: str
    rest: Callable[[], None] = lambda: None
    """Called after a scan: `find_missing` will not be called for a while, and may free its resources."""


@dataclass(frozen=True, slots=True)
class ClosedClaim:
    """The result of closing a claim."""

    name: Path
    """The recording's original path, relative to the inbox."""
    state: str
    """done, partial, linked, quarantined or returned."""
    place: Path | None
    """The recording's present path; None where it was removed."""
    message: str | None = None
    recording_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimCloser:
    """Closes claims whose lock the caller holds; its methods neither lock nor unlock."""

    inbox: Path
    destinations: Destinations
    ledger: Ledger
    ports: InboxPorts
    attempts: int
    clock: Callable[[], float]

    def recover(self, lock: ClaimLock, beat: float) -> ClosedClaim | None:
        """Close the claim of a dead process, whose last heartbeat was at `beat`; None where nothing is left of it or
        its process lives on another machine."""
        note = lock.note()
        if note is not None and is_alive_elsewhere(note, beat):
            return None
        lock.sweep()
        arrival = self.ledger.arrival(note.id) if note else None
        if note is None or arrival is None:  # it died before the ledger knew
            left = lock.items() or (lock.folder / NOTE).exists()
            return self.give_back(lock, note, None) if left else None
        if arrival.state in ("done", "partial", "linked", "quarantined"):
            return self.file(lock, note)
        if not claims.locate_recording(self.inbox, lock, note).exists():  # it was given back, and then it died
            return self.give_back(lock, note, arrival)
        content = self.ledger.content(arrival.sha256)
        found = self.ports.find_publication(arrival.sha256, None) if arrival.state == "claimed" else None
        if found is not None and found.at >= arrival.taken:  # else it is an earlier run's
            here = claims.locate_recording(self.inbox, lock, note)
            if note.stays is None and here.is_dir() and files.digest_of(here) != arrival.sha256:
                return self.give_back(lock, note, arrival, CHANGED)
            if claims.has_changed_sidecars(self.inbox, lock, note):
                return self.give_back(lock, note, arrival, SIDECAR_CHANGED)
            state = state_of(found.status)
            sidecar_digest = digest_sidecars(claims.list_sidecars(self.inbox, lock, note))
            self.ledger.end(
                note.id, state, recording_id=found.recording_id, run_id=found.run_id, sidecar=sidecar_digest
            )
            return self.file(lock, note)
        if arrival.state == "claimed" and content and content.attempts >= self.attempts:
            return self.quarantine(
                lock, note, "the process that worked on it died, each time that it was tried.", lasting=False
            )
        return self.give_back(lock, note, arrival)

    def file(self, lock: ClaimLock, note: ClaimNote) -> ClosedClaim:
        """Move the recording to the destination in the ledger; where that fails the next scan tries again."""
        arrival = self.ledger.arrival(note.id)
        assert arrival is not None
        content = self.ledger.content(note.sha256)
        message = content.error if content and arrival.state == "quarantined" else None
        try:
            if note.stays is None:
                place = move_to_destination(self.ledger, self.destinations, lock, note, arrival)
            elif arrival.state in SUCCESS:
                place = self._keep_in_place(lock, note, arrival, content)
            elif claims.move_into_claim(self.inbox, lock, note):
                place = move_to_destination(self.ledger, self.destinations, lock, note, arrival)
            else:
                changed = "it changed before it could be set aside; it is taken again."
                return self.give_back(lock, note, arrival, changed) or ClosedClaim(
                    note.original, "returned", None, changed
                )
        except OSError as error:
            # What is published stays so; where the file goes is in the ledger, and the next scan brings it there.
            message = f"{lock.folder}: could not be moved to its place ({error.strerror}); the next scan tries again."
            log.warning("%s", message)
            place = claims.locate_recording(self.inbox, lock, note)
        recording_id = content.recording_id if content else None
        text = message.partition(": ")[2] if message and arrival.state == "quarantined" else message
        return ClosedClaim(note.original, arrival.state, place, text, recording_id)

    def _keep_in_place(self, lock: ClaimLock, note: ClaimNote, arrival: Arrival, content: Content | None) -> Path:
        """Record the fingerprint of a recording that stays in place, so that later scans skip it."""
        if note.stays is not None and content is not None:
            linked = arrival.state == "linked"  # to what these settings have made, whatever was tried since
            digest = self.ports.settings_digest if linked else content.settings_digest
            self.ledger.record_kept(note.original, note.stays, digest)
        self.ledger.mark_filed(arrival.id)
        files.remove(lock.folder / NOTE)
        return self.inbox / note.original

    def quarantine(
        self, lock: ClaimLock, note: ClaimNote, message: str, *, lasting: bool, run_id: str | None = None
    ) -> ClosedClaim:
        """Move the recording to the quarantine. `lasting`: the file is at fault; else it has failed too often."""
        place = self.destinations.place_in_quarantine(self.ledger, note.id, note.sha256, note.original.name)
        self.ledger.send_to(note.id, place)
        error = f"{'permanent' if lasting else 'passing'}: {message}"
        self.ledger.end(note.id, "quarantined", error=error, run_id=run_id)
        claims.fetch_sidecars(self.inbox, lock, note)
        return self.file(lock, note)

    def give_back(
        self,
        lock: ClaimLock,
        note: ClaimNote | None,
        arrival: Arrival | None,
        message: str | None = None,
        not_before: float = 0.0,
    ) -> ClosedClaim | None:
        """Move the recording back into the inbox; None where nothing is left of it. `arrival`: its row of the
        ledger."""
        if arrival is not None and arrival.state == "claimed":
            self.ledger.end(arrival.id, "returned", error=message)
        place = claims.give_back(self.inbox, lock, note)
        if place is not None and not_before:
            self.ledger.keep_sightings({place: (Sighting("", self.clock(), None, not_before), "to be tried again")})
        if arrival is not None:
            self.ledger.send_to(arrival.id, None)
            self.ledger.mark_filed(arrival.id)
        if place is None:
            return None
        return ClosedClaim(note.original if note else place, "returned", self.inbox / place, message)


@contextmanager
def abandon_on_error(lock: ClaimLock) -> Iterator[None]:
    """On any exception unlock the claim and leave its folder as a dead process would: the next scan recovers it."""
    try:
        yield
    except BaseException:
        lock.abandon()
        raise


@contextmanager
def release_afterwards(lock: ClaimLock) -> Iterator[None]:
    """`abandon_on_error`; without an exception unlock and remove the claim's folder."""
    with abandon_on_error(lock):
        yield
        lock.release()


def digest_sidecars(sidecars: list[Path]) -> str | None:
    """SHA-256 digests of the sidecars' contents, joined by spaces; None without any."""
    digests = []
    for sidecar in sidecars:
        with suppress(FileNotFoundError):
            digests.append(files.digest_of(sidecar))
    return " ".join(digests) or None


def state_of(status: str) -> Literal["done", "partial"]:
    """The state of a claim whose recording was published with this status (complete or partial)."""
    return "done" if status == "complete" else "partial"
