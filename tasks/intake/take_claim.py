"""Take a recording: claim it, count the attempt, or close the claim at once where nothing is to be processed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tasks.intake import files
from tasks.intake.claim import Claim, take
from tasks.intake.claim_lock import acquire, claim_folder, last_beat
from tasks.intake.close_claim import ClaimCloser, ClosedClaim, InboxPorts, abandon_on_error, digest_sidecars
from tasks.intake.destinations import Destinations
from tasks.intake.ledger import Ledger
from tasks.intake.rows import Arrival, State
from tasks.intake.scan import Candidate, inspect_candidate
from tasks.settings.schema import InboxSettings


@dataclass(frozen=True, slots=True)
class ClaimTaker:
    """Takes the recordings of one inbox for this process."""

    inbox: Path
    destinations: Destinations
    settings: InboxSettings
    ledger: Ledger
    ports: InboxPorts
    closer: ClaimCloser
    unmovable: dict[Path, str]
    """Paths that could not be claimed, with the reason; added to."""
    clock: Callable[[], float]
    begun: set[str] = field(default_factory=set)
    """Arrival ids of claims whose attempt was counted, or is about to be, and that are not closed."""
    _digests: dict[tuple[Path, int, int], str] = field(default_factory=dict)
    """Digests of contents that another process holds, by (path, inode, change time in ns), so that they are read
    once."""

    def take(self, candidate: Candidate) -> Claim | ClosedClaim | None:
        """Claim a recording; or file it at once where its content was published with these settings.

        None where it is gone, has changed, or another process holds its content.
        """
        try:
            there = os.lstat(self.inbox / candidate.path)
            seen = (candidate.path, there.st_ino, there.st_ctime_ns)
            sha256 = self._digests.get(seen) or files.digest_of(self.inbox / candidate.path)
            now = inspect_candidate(self.inbox, candidate.path, is_folder=candidate.is_folder)
            if now is None or now.signature != candidate.signature:
                return None
            folder = claim_folder(self.inbox, sha256)
            beat = last_beat(folder)
            lock = acquire(folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.unmovable[candidate.path] = f"can't be taken ({error.strerror})"
            return None
        if lock is None:
            if not candidate.is_folder:  # files in it may change without it
                self._digests[seen] = sha256
            return None
        with abandon_on_error(lock):
            try:
                if lock.items() or lock.note():
                    self.closer.recover(lock, beat)
                stays = self.settings.after == "keep"
                theirs = lock.items() or lock.note()
                claim = None if theirs else take(self.inbox, candidate, sha256, lock, stays=stays)
            except OSError as error:
                self.unmovable[candidate.path] = f"can't be taken ({error.strerror})"
                claim = None
            taken = self._begin(claim) if claim else None
            if not isinstance(taken, Claim):
                lock.release()
            return taken

    def _begin(self, claim: Claim) -> Claim | ClosedClaim:
        """Enter the claim into the ledger; close it at once where its content is published or can't be processed."""
        is_known, fault = self._is_done(claim), claim.candidate.fault
        arrival = self._new_arrival(claim, "linked" if is_known else "claimed")
        if is_known:
            self.ledger.link(arrival)
            return self.closer.file(claim.lock, claim.note)
        tried = self.settings.attempts if fault else None
        self.begun.add(arrival.id)  # before it is counted: a signal may come between the two
        self.ledger.begin(arrival, claim.candidate.size, self.ports.settings_digest, tried)
        if fault:
            self.begun.discard(arrival.id)
            return self.closer.quarantine(claim.lock, claim.note, fault, lasting=False)
        claim.lock.keep_alive()
        return claim

    def _new_arrival(self, claim: Claim, state: State) -> Arrival:
        note, now = claim.note, self.clock()
        place = self.destinations.place_when_done(self.ledger, note.id, note.original.name, now)
        return Arrival(
            note.id,
            note.sha256,
            note.original,
            state,
            place if note.stays is None else claim.path,
            filed=False,
            excused=False,
            taken=now,
            ended=None,
            host=socket.gethostname(),
            pid=os.getpid(),
        )

    def _is_done(self, claim: Claim) -> bool:
        """Whether the recording is published completely with these settings. False where its transcript was removed
        or its sidecar changed. Failures since then don't count."""
        content, sidecar = self.ledger.content(claim.note.sha256), digest_sidecars(claim.sidecars)
        if content is not None and (content.recording_id is None or sidecar not in (None, content.sidecar)):
            return False
        if content is None and sidecar is not None:  # what was made of it may tell another time
            return False
        found = self.ports.find_publication(claim.note.sha256, content.recording_id if content else None)
        if found is None or found.status != "complete":
            return False
        if content is None:  # by a command, or this ledger is a new one
            digest = self.ports.settings_digest
            self.ledger.adopt(claim.note.sha256, claim.candidate.size, digest, found.recording_id, found.run_id)
        return True
