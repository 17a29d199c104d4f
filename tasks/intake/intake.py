"""The folder-watch put together: scan, claim a recording, close the claim.

A process may die at any moment: a claim is noted in its folder before the file is moved there, and the destination is
in the ledger before anything is published. `recover` reads both.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.errors import TransientError, UsageError
from tasks.intake import files, names
from tasks.intake.claim import Claim
from tasks.intake.claim_lock import acquire, last_beat, list_claims
from tasks.intake.close_claim import (
    CHANGED,
    SIDECAR_CHANGED,
    ClaimCloser,
    ClosedClaim,
    InboxPorts,
    digest_sidecars,
    release_afterwards,
    state_of,
)
from tasks.intake.completeness import ScanResult, compute_retry_time
from tasks.intake.destinations import Destinations
from tasks.intake.ledger import Ledger
from tasks.intake.scan import Candidate
from tasks.intake.scanner import Scanner
from tasks.intake.take_claim import ClaimTaker
from tasks.settings.schema import InboxSettings

log = logging.getLogger("daylong.intake")


class Intake:
    """One watcher of one inbox. Several may watch the same; each recording is taken by one of them."""

    def __init__(
        self,
        inbox: Path,
        destinations: Destinations,
        settings: InboxSettings,
        ports: InboxPorts,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises UsageError where the folder can't be written to or one of them lies in the other."""
        self.inbox, self.destinations, self.settings, self.ports, self._clock = (
            inbox,
            destinations,
            settings,
            ports,
            clock,
        )
        for folder in (destinations.done, destinations.quarantine):
            if folder.resolve().is_relative_to(inbox.resolve()):
                raise UsageError(f"inbox.folder = {inbox}: {folder} lies in it; what is filed there would be taken.")
        try:
            files.make_folder(inbox / names.CLAIMED)
        except OSError as error:
            raise UsageError(f"{inbox}: the inbox can't be written to ({error.strerror}).") from error
        self.ledger = Ledger(inbox / names.LEDGER, clock=clock)
        self._scanner = Scanner(inbox, settings, self.ledger, ports, clock)
        self._closer = ClaimCloser(inbox, destinations, self.ledger, ports, settings.attempts, clock)
        self._taker = ClaimTaker(
            inbox, destinations, settings, self.ledger, ports, self._closer, self._scanner.unmovable, clock
        )

    def close(self) -> None:
        self.ledger.close()

    def excuse_begun(self) -> None:
        """Take back the attempts under way, from any thread: the next scan returns their recordings to the inbox, and
        they don't count."""
        begun = list(self._taker.begun)
        if begun:
            with suppress(TransientError), Ledger(self.ledger.path) as ledger:
                for arrival in begun:
                    ledger.excuse(arrival)

    def is_displaced(self) -> bool:
        """Whether the folder at the inbox's path is another one than was opened: it must be opened anew."""
        return os.path.isdir(self.inbox) and not self.ledger.is_in_place()

    @property
    def unmovable(self) -> dict[Path, str]:
        """Paths that could not be claimed, with the reason; not tried again."""
        return self._scanner.unmovable

    def scan(self) -> ScanResult:
        """Scan the inbox, and record what was seen for the next scan."""
        return self._scanner.scan()

    def take(self, candidate: Candidate) -> Claim | ClosedClaim | None:
        """Claim a recording; or file it at once where its content was published with these settings.

        None where it is gone, has changed, or another process holds its content.
        """
        return self._taker.take(candidate)

    def close_processed(self, claim: Claim, *, status: str, recording_id: str, run_id: str) -> ClosedClaim:
        """Close the claim of a published recording: file it. Where it has changed meanwhile give it back as new."""
        with self._ending(claim):
            if not claim.is_unchanged():
                self.ledger.excuse(claim.note.id)
                return self._give_back(claim, CHANGED)
            if claim.has_changed_sidecars():
                self.ledger.excuse(claim.note.id)
                return self._give_back(claim, SIDECAR_CHANGED)
            state = state_of(status)
            sidecar_digest = digest_sidecars(claim.sidecars)
            self.ledger.end(claim.note.id, state, recording_id=recording_id, run_id=run_id, sidecar=sidecar_digest)
            return self._closer.file(claim.lock, claim.note)

    def close_failed(self, claim: Claim, message: str, *, lasting: bool, run_id: str | None = None) -> ClosedClaim:
        """Close the claim of a recording that could not be processed. `lasting`: the file is at fault, and goes to
        the quarantine at once; else it goes back into the inbox, and to the quarantine after `inbox.attempts`."""
        message = message.replace(f"{claim.lock.folder}{os.sep}", "")  # it isn't there any more
        with self._ending(claim):
            if not claim.is_unchanged():
                self.ledger.excuse(claim.note.id)
                return self._give_back(claim, CHANGED)
            content = self.ledger.content(claim.note.sha256)
            tried = content.attempts if content else 1
            if lasting or tried >= self.settings.attempts:
                return self._closer.quarantine(claim.lock, claim.note, message, lasting=lasting, run_id=run_id)
            return self._give_back(claim, message, not_before=compute_retry_time(self._clock(), tried))

    def release(self, claim: Claim) -> ClosedClaim:
        """Give the recording back without counting an attempt: processing was stopped, or the file isn't at fault."""
        with self._ending(claim):
            self.ledger.excuse(claim.note.id)
            return self._give_back(claim, None)

    @contextmanager
    def _ending(self, claim: Claim) -> Iterator[None]:
        with release_afterwards(claim.lock):
            yield
        self._taker.begun.discard(claim.note.id)

    def claims(self) -> list[Path]:
        """The folders of all claims, of live and dead processes. Raises TransientError where they can't be read."""
        return list_claims(self.inbox)

    def recover(self) -> list[ClosedClaim]:
        """Close the claims of dead processes: file what is published, give the rest back."""
        done: list[ClosedClaim] = []
        for folder in self.claims():
            beat = last_beat(folder)
            try:
                lock = acquire(folder)
            except OSError as error:
                log.warning("%s: can't be looked into (%s). Whose is it?", folder, error.strerror)
                continue
            if lock is None:
                continue
            with release_afterwards(lock):
                try:
                    ended = self._closer.recover(lock, beat)
                    done += [ended] if ended else []
                except OSError as error:
                    log.warning("%s: can't be given back now (%s); it is tried again.", folder, error.strerror)
        return done

    def _give_back(self, claim: Claim, message: str | None, not_before: float = 0.0) -> ClosedClaim:
        arrival = self.ledger.arrival(claim.note.id)
        ended = self._closer.give_back(claim.lock, claim.note, arrival, message, not_before)
        return ended or ClosedClaim(claim.note.original, "returned", None, message)
