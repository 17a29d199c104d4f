"""The folder-watch put together: what a scan finds, taking one recording, and what becomes of it.

Whatever moment a process dies at, the next scan knows what it was about: a claim is noted in its own folder before
the file is moved there, and where the file will go is in the ledger before anything is published. `recover` reads
both.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tasks.errors import PermanentError, UsageError
from tasks.intake import files, names
from tasks.intake.claim import Claim, take
from tasks.intake.ending import (
    CHANGED,
    TOLD_OTHERWISE,
    Carried,
    Desk,
    Filed,
    digest_of,
    ending,
    left_on_error,
    state_of,
)
from tasks.intake.filing import Cabinet
from tasks.intake.hold import folder_of, hold, last_beat
from tasks.intake.ledger import Ledger
from tasks.intake.lookout import Lookout
from tasks.intake.rows import Arrival, State
from tasks.intake.scan import Candidate, look
from tasks.intake.settle import Scanned, again_at
from tasks.settings.schema import InboxSettings

log = logging.getLogger("daylong.intake")


class Intake:
    """One watcher of one inbox. Several may watch the same; each recording is taken by one of them."""

    def __init__(
        self,
        inbox: Path,
        cabinet: Cabinet,
        settings: InboxSettings,
        carried: Carried,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises UsageError where the folder can't be written to or one of them lies in the other."""
        self.inbox, self.cabinet, self.settings, self.carried, self._clock = inbox, cabinet, settings, carried, clock
        for folder in (cabinet.done, cabinet.quarantine):
            if folder.resolve().is_relative_to(inbox.resolve()):
                raise UsageError(f"inbox.folder = {inbox}: {folder} lies in it; what is filed there would be taken.")
        try:
            files.make_folder(inbox / names.CLAIMED)
        except OSError as error:
            raise UsageError(f"{inbox}: the inbox can't be written to ({error.strerror}).") from error
        self.ledger = Ledger(inbox / names.LEDGER, clock=clock)
        self._lookout = Lookout(inbox, settings, self.ledger, carried, clock)
        self._desk = Desk(inbox, cabinet, self.ledger, carried, settings.attempts, clock)
        self._digests: dict[tuple[Path, int, int], str] = {}
        """Of what others work on under another name: it is asked for again and again."""

    def close(self) -> None:
        self.ledger.close()

    @property
    def unmovable(self) -> dict[Path, str]:
        """What could not be taken, and why; not tried again."""
        return self._lookout.unmovable

    def scan(self) -> Scanned:
        """Look at the inbox, and remember what was seen for the next time."""
        return self._lookout.scan()

    def take(self, candidate: Candidate) -> Claim | Filed | None:
        """Claim a recording to process it; or file it, where its content is done already with these settings.

        None where it is gone, has changed, or somebody else has it.
        """
        try:
            there = os.lstat(self.inbox / candidate.path)
            seen = (candidate.path, there.st_ino, there.st_ctime_ns)
            sha256 = self._digests.get(seen) or files.digest_of(self.inbox / candidate.path)
            now = look(self.inbox, candidate.path, is_folder=candidate.is_folder)
            if now is None or now.signature != candidate.signature:
                return None
            folder = folder_of(self.inbox, sha256)
            beat = last_beat(folder)
            held = hold(folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.unmovable[candidate.path] = f"can't be taken ({error.strerror})"
            return None
        if held is None:
            if not candidate.is_folder:  # files in it may change without it
                self._digests[seen] = sha256
            return None
        with left_on_error(held):
            try:
                if held.items() or held.note():
                    self._desk.recover(held, beat)
                stays = self.settings.after == "keep"
                theirs = held.items() or held.note()
                claim = None if theirs else take(self.inbox, candidate, sha256, held, stays=stays)
            except OSError as error:
                self.unmovable[candidate.path] = f"can't be taken ({error.strerror})"
                claim = None
            taken = self._begun(claim) if claim else None
            if not isinstance(taken, Claim):
                held.let_go()
            return taken

    def _begun(self, claim: Claim) -> Claim | Filed:
        is_known, fault = self._is_done(claim), claim.candidate.fault
        arrival = self._arrival(claim, "linked" if is_known else "claimed")
        if is_known:
            self.ledger.link(arrival)
            return self._desk.file(claim.hold, claim.note)
        tried = self.settings.attempts if fault else None
        self.ledger.begin(arrival, claim.candidate.size, self.carried.settings_digest, tried)
        if fault:
            return self._desk.quarantine(claim.hold, claim.note, fault, lasting=False)
        claim.hold.keep_alive()
        return claim

    def _arrival(self, claim: Claim, state: State) -> Arrival:
        note, now = claim.note, self._clock()
        place = self.cabinet.place_when_done(self.ledger, note.id, note.original.name, now)
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

    def processed(self, claim: Claim, *, status: str, recording_id: str, run_id: str) -> Filed:
        """It is published: note that, and file it away. Where it has changed meanwhile it is given back, as new."""
        with ending(claim.hold):
            if not claim.is_unchanged():
                self.ledger.excuse(claim.note.id)
                return self._returned(claim, CHANGED)
            if claim.is_told_otherwise():
                self.ledger.excuse(claim.note.id)
                return self._returned(claim, TOLD_OTHERWISE)
            state = state_of(status)
            told = digest_of(claim.sidecars)
            self.ledger.end(claim.note.id, state, recording_id=recording_id, run_id=run_id, sidecar=told)
            return self._desk.file(claim.hold, claim.note)

    def failed(self, claim: Claim, message: str, *, lasting: bool, run_id: str | None = None) -> Filed:
        """It could not be processed. `lasting`: the file is at fault, so it goes to the quarantine at once; else it
        goes back into the inbox, and to the quarantine after `inbox.attempts`."""
        message = message.replace(f"{claim.hold.folder}{os.sep}", "")  # it isn't there any more
        with ending(claim.hold):
            if not claim.is_unchanged():
                self.ledger.excuse(claim.note.id)
                return self._returned(claim, CHANGED)
            content = self.ledger.content(claim.note.sha256)
            tried = content.attempts if content else 1
            if lasting or tried >= self.settings.attempts:
                return self._desk.quarantine(claim.hold, claim.note, message, lasting=lasting, run_id=run_id)
            return self._returned(claim, message, not_before=again_at(self._clock(), tried))

    def release(self, claim: Claim) -> Filed:
        """Give it back, as if it had not been taken: somebody wants us to stop, or the world is at fault."""
        with ending(claim.hold):
            self.ledger.excuse(claim.note.id)
            return self._returned(claim, None)

    def claims(self) -> list[Path]:
        """The folders of the claims that there are, ours, others' and dead ones."""
        return sorted(f for f in (self.inbox / names.CLAIMED).glob("*") if f.is_dir())

    def recover(self) -> list[Filed]:
        """Finish what processes that died were about: file what is published, give the rest back."""
        done: list[Filed] = []
        for folder in self.claims():
            beat = last_beat(folder)
            try:
                held = hold(folder)
            except OSError as error:
                log.warning("%s: can't be looked into (%s). Whose is it?", folder, error.strerror)
                continue
            if held is None:
                continue
            with ending(held):
                try:
                    ended = self._desk.recover(held, beat)
                    done += [ended] if ended else []
                except OSError as error:
                    log.warning("%s: can't be given back now (%s); it is tried again.", folder, error.strerror)
        return done

    def _is_done(self, claim: Claim) -> bool:
        """Whether there is nothing to do for it: who has removed its transcript, or tells another time in a sidecar,
        wants it made again. What it failed at since then, or was given back from, doesn't count."""
        content, sidecar = self.ledger.content(claim.note.sha256), digest_of(claim.sidecars)
        if content is not None and (content.recording_id is None or sidecar not in (None, content.sidecar)):
            return False
        if content is None and sidecar is not None:  # what was made of it may tell another time
            return False
        found = self.carried.published(claim.note.sha256, content.recording_id if content else None)
        if found is None or found.status != "complete":
            return False
        if content is None:  # by a command, or this ledger is a new one
            digest = self.carried.settings_digest
            self.ledger.adopt(claim.note.sha256, claim.candidate.size, digest, found.recording_id, found.run_id)
        return True

    def _returned(self, claim: Claim, message: str | None, not_before: float = 0.0) -> Filed:
        arrival = self.ledger.arrival(claim.note.id)
        ended = self._desk.back(claim.hold, claim.note, arrival, message, not_before)
        return ended or Filed(claim.note.original, "returned", None, message)


def is_lasting(error: BaseException) -> bool:
    """Whether trying again would fail in the same way, because of the file."""
    return isinstance(error, PermanentError)
