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

from tasks.errors import PermanentError, TransientError, UsageError
from tasks.intake import claim as claims
from tasks.intake import files, names
from tasks.intake.claim import Claim
from tasks.intake.ending import Carried, Desk, Filed, ending, kept, state_of
from tasks.intake.filing import Cabinet
from tasks.intake.ledger import Ledger
from tasks.intake.rows import Arrival, Content
from tasks.intake.scan import Candidate, Refused, is_stopped, look, scan
from tasks.intake.settle import Scanned, judge, open_for_writing
from tasks.settings import InboxSettings

log = logging.getLogger("daylong.intake")

RETRY_S = 60.0
"""A recording that was given back after a passing fault is left alone for so long, times four for each more try."""


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
        self._desk = Desk(inbox, cabinet, self.ledger, carried, settings.attempts, clock)
        self.unmovable: dict[Path, str] = {}
        """What could not be taken, and why; not tried again."""
        self._digests: dict[tuple[Path, int, int], str] = {}
        """Of what others work on under another name: it is asked for again and again."""

    def close(self) -> None:
        self.ledger.close()

    def scan(self) -> Scanned:
        """Look at the inbox, and remember what was seen for the next time."""
        try:
            found, refused = scan(self.inbox, self.settings.group)
        except OSError as error:
            raise TransientError(f"{self.inbox}: can't be read ({error.strerror}). Is its disk there?") from error
        before, now = self.ledger.sightings(), self._clock()
        verdicts = [
            judge(
                candidate,
                before.get(candidate.path),
                now,
                settle_s=self.settings.settle_seconds,
                patience_s=self.settings.patience_minutes * 60,
                whole=self._lacking,
                is_open=self._is_open,
            )
            for candidate in found
        ]
        changed = {v.candidate.path: (v.sighting, v.waits_for) for v in verdicts}
        known = {p: (s, w) for p, s, w in self.ledger.waiting()}
        self.ledger.keep_sightings(
            {p: seen for p, seen in changed.items() if known.get(p) != seen}, set(before) - set(changed)
        )
        refused += [Refused(path, why) for path, why in self.unmovable.items()]
        return Scanned(
            ready=tuple(v.candidate for v in verdicts if not v.waits_for and v.candidate.path not in self.unmovable),
            waiting=tuple(v for v in verdicts if v.waits_for),
            refused=tuple(refused),
            stopped=is_stopped(self.inbox),
        )

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
            folder = claims.folder_of(self.inbox, sha256)
            beat = claims.last_beat(folder)
            held = claims.hold(folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.unmovable[candidate.path] = f"can't be taken ({error.strerror})"
            return None
        if held is None:
            if not candidate.is_folder:  # files in it may change without it
                self._digests[seen] = sha256
            return None
        with kept(held):
            try:
                if held.items() or held.note():
                    self._desk.recover(held, beat)
                claim = None if held.items() else claims.take(self.inbox, candidate, sha256, held)
            except OSError as error:
                self.unmovable[candidate.path] = f"can't be taken ({error.strerror})"
                claim = None
            taken = self._begun(claim) if claim else None
            if not isinstance(taken, Claim):
                held.let_go()
            return taken

    def _begun(self, claim: Claim) -> Claim | Filed:
        note, now = claim.note, self._clock()
        before, sidecar = self.ledger.content(note.sha256), _sidecar(claim)
        known = before if before and self._is_done(before, sidecar) else None
        with_place = Arrival(
            note.id,
            note.sha256,
            note.original,
            "linked" if known else "claimed",
            self.cabinet.place_when_done(self.ledger, note.id, note.original.name, now),
            filed=False,
            excused=False,
            taken=now,
            ended=None,
            host=socket.gethostname(),
            pid=os.getpid(),
        )
        if known is None:
            self.ledger.begin(with_place, claim.candidate.size, self.carried.settings_digest, sidecar)
            claim.hold.keep_alive()
            return claim
        self.ledger.link(with_place)
        return self._desk.file(claim.hold, note)

    def processed(self, claim: Claim, *, status: str, recording_id: str, run_id: str) -> Filed:
        """It is published: note that, and file it away. Where it has changed meanwhile it is given back, as new."""
        with ending(claim.hold):
            if not claims.unchanged(claim):
                self.ledger.excuse(claim.note.id)
                return self._returned(claim, "it changed while it was processed; it is taken again.")
            state = state_of(status)
            self.ledger.end(claim.note.id, state, recording_id=recording_id, run_id=run_id)
            return self._desk.file(claim.hold, claim.note)

    def failed(self, claim: Claim, message: str, *, lasting: bool, run_id: str | None = None) -> Filed:
        """It could not be processed. `lasting`: the file is at fault, so it goes to the quarantine at once; else it
        goes back into the inbox, and to the quarantine after `inbox.attempts`."""
        message = message.replace(f"{claim.hold.folder}{os.sep}", "")  # it isn't there any more
        with ending(claim.hold):
            if not claims.unchanged(claim):
                self.ledger.excuse(claim.note.id)
                return self._returned(claim, "it changed while it was processed; it is taken again.")
            content = self.ledger.content(claim.note.sha256)
            tried = content.attempts if content else 1
            if lasting or tried >= self.settings.attempts:
                return self._desk.quarantine(claim.hold, claim.note, message, lasting=lasting, run_id=run_id)
            return self._returned(claim, message, not_before=self._clock() + RETRY_S * 4 ** (tried - 1))

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
            beat = claims.last_beat(folder)
            try:
                held = claims.hold(folder)
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

    def _is_done(self, content: Content, sidecar: str | None) -> bool:
        """Whether there is nothing to do for it: who has removed its transcript, or tells another time in a sidecar,
        wants it made again."""
        return (
            content.state == "done"
            and content.settings_digest == self.carried.settings_digest
            and sidecar in (None, content.sidecar)
            and self.carried.published(content.sha256, content.recording_id) is not None
        )

    def _returned(self, claim: Claim, message: str | None, not_before: float = 0.0) -> Filed:
        arrival = self.ledger.arrival(claim.note.id)
        ended = self._desk.back(claim.hold, claim.note, arrival, message, not_before)
        return ended or Filed(claim.note.original, "returned", None, message)

    def _is_open(self, candidate: Candidate) -> bool | None:
        try:
            return open_for_writing(self.inbox, candidate)
        except OSError:  # it has gone
            return None

    def _lacking(self, candidate: Candidate) -> str | None:
        whole = self.inbox / candidate.path
        try:
            paths = [whole]
            if candidate.is_folder:
                paths = [f for f in sorted(whole.iterdir()) if f.is_file() and names.may_be_taken(f.name)]
        except OSError:  # it has gone
            return None
        for path in paths:
            lacking = self.carried.lacking(path)
            if lacking:
                return f"{path.name}: {lacking}" if candidate.is_folder else lacking
        return None


def _sidecar(claim: Claim) -> str | None:
    """The digest of what sidecars tell; None without any."""
    told = [files.digest_of(item) for item in claim.hold.items() if item != claim.path]
    return " ".join(told) or None


def is_lasting(error: BaseException) -> bool:
    """Whether trying again would fail in the same way, because of the file."""
    return isinstance(error, PermanentError)
