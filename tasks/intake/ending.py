"""The end of a claim: filed away, set aside or given back; and the one that a later scan makes for a dead process.

All of it can be begun again, whatever moment it ended at: what is decided is in the ledger before anything is moved.
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
from tasks.intake.filing import Cabinet, carry_out
from tasks.intake.hold import NOTE, Hold, Note, is_alive_elsewhere
from tasks.intake.ledger import Ledger
from tasks.intake.rows import SUCCESS, Arrival, Content
from tasks.intake.settle import Sighting

log = logging.getLogger("daylong.intake")


class Published(NamedTuple):
    """What the tables hold of a recording."""

    recording_id: str
    run_id: str
    status: str
    """complete or partial."""
    at: float
    """When it was made, seconds since the epoch."""


CHANGED = "it changed while it was processed; it is taken again."
TOLD_OTHERWISE = "what its sidecar tells came while it was processed; it is taken again."


@dataclass(frozen=True, slots=True)
class Carried:
    """What the steps of other rooms tell the folder-watch; the flow carries it."""

    lacking: Callable[[Path], str | None]
    """What is missing of the file at a path, in a few words; None where it is whole. Raises anything where opening it
    fails."""
    published: Callable[[str, str | None], Published | None]
    """What the tables hold of these bytes (sha256, recording_id if known), made with the present settings."""
    settings_digest: str
    rest: Callable[[], None] = lambda: None
    """Called after a scan: nothing is asked of `lacking` for a while."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a recording."""

    name: Path
    """What it was called, relative to the inbox."""
    state: str
    """done, partial, linked, quarantined or returned."""
    place: Path | None
    """Where it lies now; None where it was removed."""
    message: str | None = None
    recording_id: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Ends claims; its methods neither lock nor unlock them."""

    inbox: Path
    cabinet: Cabinet
    ledger: Ledger
    carried: Carried
    attempts: int
    clock: Callable[[], float]

    def recover(self, held: Hold, beat: float) -> Filed | None:
        """End the claim of a process that died, whose heart beat last at `beat`; None where nothing is left of it."""
        note = held.note()
        if note is not None and is_alive_elsewhere(note, beat):
            return None
        held.sweep()
        arrival = self.ledger.arrival(note.id) if note else None
        if note is None or arrival is None:  # it died before the ledger knew
            left = held.items() or (held.folder / NOTE).exists()
            return self.back(held, note, None) if left else None
        if arrival.state in ("done", "partial", "linked", "quarantined"):
            return self.file(held, note)
        if not claims.place_of(self.inbox, held, note).exists():  # it was given back, and then it died
            return self.back(held, note, arrival)
        content = self.ledger.content(arrival.sha256)
        found = self.carried.published(arrival.sha256, None) if arrival.state == "claimed" else None
        if found is not None and found.at >= arrival.taken:  # else it is an earlier run's
            here = claims.place_of(self.inbox, held, note)
            if note.stays is None and here.is_dir() and files.digest_of(here) != arrival.sha256:
                return self.back(held, note, arrival, CHANGED)
            if claims.is_told_otherwise(self.inbox, held, note):
                return self.back(held, note, arrival, TOLD_OTHERWISE)
            state = state_of(found.status)
            told = digest_of(claims.sidecars_of(self.inbox, held, note))
            self.ledger.end(note.id, state, recording_id=found.recording_id, run_id=found.run_id, sidecar=told)
            return self.file(held, note)
        if arrival.state == "claimed" and content and content.attempts >= self.attempts:
            return self.quarantine(
                held, note, "the process that worked on it died, each time that it was tried.", lasting=False
            )
        return self.back(held, note, arrival)

    def file(self, held: Hold, note: Note) -> Filed:
        """Carry out what the ledger says; what can't be moved now stays for the next scan."""
        arrival = self.ledger.arrival(note.id)
        assert arrival is not None
        content = self.ledger.content(note.sha256)
        message = content.error if content and arrival.state == "quarantined" else None
        try:
            if note.stays is None:
                place = carry_out(self.ledger, self.cabinet, held, note, arrival)
            elif arrival.state in SUCCESS:
                place = self._leave(held, note, arrival, content)
            elif claims.fetch(self.inbox, held, note):
                place = carry_out(self.ledger, self.cabinet, held, note, arrival)
            else:
                changed = "it changed before it could be set aside; it is taken again."
                return self.back(held, note, arrival, changed) or Filed(note.original, "returned", None, changed)
        except OSError as error:
            # What is published stays so; where the file goes is in the ledger, and the next scan brings it there.
            message = f"{held.folder}: could not be moved to its place ({error.strerror}); the next scan tries again."
            log.warning("%s", message)
            place = claims.place_of(self.inbox, held, note)
        recording_id = content.recording_id if content else None
        text = message.partition(": ")[2] if message and arrival.state == "quarantined" else message
        return Filed(note.original, arrival.state, place, text, recording_id)

    def _leave(self, held: Hold, note: Note, arrival: Arrival, content: Content | None) -> Path:
        """It stays where it is, and is known again there."""
        if note.stays is not None and content is not None:
            linked = arrival.state == "linked"  # to what these settings have made, whatever was tried since
            digest = self.carried.settings_digest if linked else content.settings_digest
            self.ledger.keep(note.original, note.stays, digest)
        self.ledger.filed(arrival.id)
        files.remove(held.folder / NOTE)
        return self.inbox / note.original

    def quarantine(self, held: Hold, note: Note, message: str, *, lasting: bool, run_id: str | None = None) -> Filed:
        """Set it aside. `lasting`: the file is at fault; else it has failed too often."""
        place = self.cabinet.place_in_quarantine(self.ledger, note.id, note.sha256, note.original.name)
        self.ledger.send_to(note.id, place)
        told = f"{'permanent' if lasting else 'passing'}: {message}"
        self.ledger.end(note.id, "quarantined", error=told, run_id=run_id)
        claims.fetch_sidecars(self.inbox, held, note)
        return self.file(held, note)

    def back(
        self,
        held: Hold,
        note: Note | None,
        arrival: Arrival | None,
        message: str | None = None,
        not_before: float = 0.0,
    ) -> Filed | None:
        """Give it back to the inbox; None where nothing is left of it. `arrival`: what the ledger knows of it."""
        if arrival is not None and arrival.state == "claimed":
            self.ledger.end(arrival.id, "returned", error=message)
        place = claims.give_back(self.inbox, held, note)
        if place is not None and not_before:
            self.ledger.keep_sightings({place: (Sighting("", self.clock(), None, not_before), "to be tried again")})
        if arrival is not None:
            self.ledger.send_to(arrival.id, None)
            self.ledger.filed(arrival.id)
        if place is None:
            return None
        return Filed(note.original if note else place, "returned", self.inbox / place, message)


@contextmanager
def left_on_error(held: Hold) -> Iterator[None]:
    """Where something goes wrong, the claim is left as by a process that died: the next scan sees to it."""
    try:
        yield
    except BaseException:
        held.abandon()
        raise


@contextmanager
def ending(held: Hold) -> Iterator[None]:
    """`left_on_error`, and the claim's folder goes afterwards."""
    with left_on_error(held):
        yield
        held.let_go()


def digest_of(sidecars: list[Path]) -> str | None:
    """The digest of what sidecars tell; None without any."""
    told = []
    for sidecar in sidecars:
        with suppress(FileNotFoundError):
            told.append(files.digest_of(sidecar))
    return " ".join(told) or None


def state_of(status: str) -> Literal["done", "partial"]:
    """What a recording becomes that was published with this status."""
    return "done" if status == "complete" else "partial"
