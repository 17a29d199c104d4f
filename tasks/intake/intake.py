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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tasks.errors import PermanentError, TransientError, UsageError
from tasks.intake import claim as claims
from tasks.intake import files, names
from tasks.intake.claim import Claim, Hold, Note
from tasks.intake.filing import Cabinet, carry_out
from tasks.intake.ledger import Arrival, Content, Ledger
from tasks.intake.scan import Candidate, Refused, is_stopped, look, scan
from tasks.intake.settle import Sighting, Verdict, judge, open_for_writing
from tasks.settings import InboxSettings

log = logging.getLogger("daylong.intake")

RETRY_S = 60.0
"""A recording that was given back after a passing fault is left alone for so long, times four for each more try."""


class Published(NamedTuple):
    """What the tables hold of a recording."""

    recording_id: str
    run_id: str
    status: str
    """complete or partial."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What the steps of other rooms tell the folder-watch; the flow carries it."""

    lacking: Callable[[Path], str | None]
    """What is missing of the file at a path, in a few words; None where it is whole."""
    published: Callable[[str, str | None], Published | None]
    """What the tables hold of these bytes (sha256, recording_id if known), made with the present settings."""
    settings_digest: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """What lies in the inbox: what may be taken, in order, and what waits for something."""

    ready: tuple[Candidate, ...]
    waiting: tuple[Verdict, ...]
    refused: tuple[Refused, ...]
    stopped: bool = False

    def due(self, now: float) -> float | None:
        """Seconds until the next scan may find more, if nothing changes; None where it won't."""
        return min((max(0.0, v.due - now) for v in self.waiting if v.due is not None), default=None)


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
        self._unmovable: dict[Path, str] = {}

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
                is_open=lambda c: open_for_writing(self.inbox, c),
            )
            for candidate in found
        ]
        changed = {v.candidate.path: (v.sighting, v.waits_for) for v in verdicts}
        known = {p: (s, w) for p, s, w in self.ledger.waiting()}
        self.ledger.keep_sightings(
            {p: seen for p, seen in changed.items() if known.get(p) != seen}, set(before) - set(changed)
        )
        refused += [Refused(path, why) for path, why in self._unmovable.items()]
        return Scanned(
            ready=tuple(v.candidate for v in verdicts if not v.waits_for and v.candidate.path not in self._unmovable),
            waiting=tuple(v for v in verdicts if v.waits_for),
            refused=tuple(refused),
            stopped=is_stopped(self.inbox),
        )

    def take(self, candidate: Candidate) -> Claim | Filed | None:
        """Claim a recording to process it; or file it, where its content is done already with these settings.

        None where it is gone, has changed, or somebody else has it.
        """
        try:
            sha256 = files.digest_of(self.inbox / candidate.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._unmovable[candidate.path] = f"can't be read ({error.strerror})"
            return None
        now = look(self.inbox, candidate.path, is_folder=candidate.is_folder)
        if now is None or now.signature != candidate.signature:
            return None
        folder = claims.folder_of(self.inbox, sha256)
        beat = claims.last_beat(folder)
        held = claims.hold(folder)
        if held is None:
            return None
        with _kept(held):
            try:
                if held.items() or held.note():
                    self._recover(held, beat)
                claim = None if held.items() else claims.take(self.inbox, candidate, sha256, held)
            except OSError as error:
                self._unmovable[candidate.path] = f"can't be taken ({error.strerror})"
                claim = None
            taken = self._begun(claim) if claim else None
            if not isinstance(taken, Claim):
                held.let_go()
            return taken

    def _begun(self, claim: Claim) -> Claim | Filed:
        note, now = claim.note, self._clock()
        before = self.ledger.content(note.sha256)
        same = before is not None and before.settings_digest == self.carried.settings_digest
        known = before if same and before and before.state == "done" and self._there(before) else None
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
        self.ledger.begin(with_place, claim.candidate.size, self.carried.settings_digest, counted=known is None)
        if known is None:
            claim.hold.keep_alive()
            return claim
        self.ledger.end(note.id, "linked")
        return self._file(claim.hold, note)

    def processed(self, claim: Claim, *, status: str, recording_id: str, run_id: str) -> Filed:
        """It is published: note that, and file it away. Where it has changed meanwhile it is given back, as new."""
        with _ending(claim.hold):
            if not claims.unchanged(claim):
                self.ledger.excuse(claim.note.id)
                return self._returned(claim, "it changed while it was processed; it is taken again.")
            state = _state_of(status)
            self.ledger.end(claim.note.id, state, recording_id=recording_id, run_id=run_id)
            return self._file(claim.hold, claim.note)

    def failed(self, claim: Claim, message: str, *, lasting: bool, run_id: str | None = None) -> Filed:
        """It could not be processed. `lasting`: the file is at fault, so it goes to the quarantine at once; else it
        goes back into the inbox, and to the quarantine after `inbox.attempts`."""
        message = message.replace(f"{claim.hold.folder}{os.sep}", "")  # it isn't there any more
        with _ending(claim.hold):
            content = self.ledger.content(claim.note.sha256)
            tried = content.attempts if content else 1
            if lasting or tried >= self.settings.attempts:
                return self._quarantine(claim.hold, claim.note, message, lasting=lasting, run_id=run_id)
            return self._returned(claim, message, not_before=self._clock() + RETRY_S * 4 ** (tried - 1))

    def release(self, claim: Claim) -> Filed:
        """Give it back, as if it had not been taken: somebody wants us to stop, or the world is at fault."""
        with _ending(claim.hold):
            self.ledger.excuse(claim.note.id)
            return self._returned(claim, None)

    def claims(self) -> list[Path]:
        """The folders of the claims that there are, ours, others' and dead ones."""
        return sorted(f for f in (self.inbox / names.CLAIMED).iterdir() if f.is_dir())

    def recover(self) -> list[Filed]:
        """Finish what processes that died were about: file what is published, give the rest back."""
        done: list[Filed] = []
        for folder in self.claims():
            beat = claims.last_beat(folder)
            held = claims.hold(folder)
            if held is None:
                continue
            with _ending(held):
                try:
                    ended = self._recover(held, beat)
                    done += [ended] if ended else []
                except OSError as error:
                    log.warning("%s: can't be given back now (%s); it is tried again.", folder, error.strerror)
        return done

    def _recover(self, held: Hold, beat: float) -> Filed | None:
        note = held.note()
        if note is not None and claims.is_alive_elsewhere(note, beat):
            return None
        held.sweep()
        arrival = self.ledger.arrival(note.id) if note else None
        if note is None or arrival is None:  # it died before the ledger knew
            return self._back(held, note, None) if held.items() or note else None
        if arrival.state in ("done", "partial", "linked", "quarantined"):
            return self._file(held, note)
        if not (held.folder / note.original.name).exists():  # it was given back, and then it died
            return self._back(held, note, arrival)
        content = self.ledger.content(arrival.sha256)
        found = self.carried.published(arrival.sha256, None) if arrival.state == "claimed" else None
        if found is not None:
            state = _state_of(found.status)
            self.ledger.end(note.id, state, recording_id=found.recording_id, run_id=found.run_id)
            return self._file(held, note)
        if arrival.state == "claimed" and content and content.attempts >= self.settings.attempts:
            return self._quarantine(
                held, note, "the process that worked on it died, each time that it was tried.", lasting=False
            )
        return self._back(held, note, arrival)

    def _there(self, content: Content) -> bool:
        """Whether its transcript still is: who has removed it wants it made again."""
        return self.carried.published(content.sha256, content.recording_id) is not None

    def _file(self, held: Hold, note: Note) -> Filed:
        arrival = self.ledger.arrival(note.id)
        assert arrival is not None
        content = self.ledger.content(note.sha256)
        message = content.error if content and arrival.state == "quarantined" else None
        try:
            place = carry_out(self.ledger, self.cabinet, held, note, arrival)
        except OSError as error:
            # What is published stays so; where the file goes is in the ledger, and the next scan brings it there.
            message = f"{held.folder}: could not be moved to its place ({error.strerror}); the next scan tries again."
            log.warning("%s", message)
            place = held.folder / note.original.name
        recording_id = content.recording_id if content else None
        text = message.partition(": ")[2] if message and arrival.state == "quarantined" else message
        return Filed(note.original, arrival.state, place, text, recording_id)

    def _quarantine(self, held: Hold, note: Note, message: str, *, lasting: bool, run_id: str | None = None) -> Filed:
        place = self.cabinet.place_in_quarantine(self.ledger, note.id, note.sha256, note.original.name)
        self.ledger.send_to(note.id, place)
        told = f"{'permanent' if lasting else 'passing'}: {message}"
        self.ledger.end(note.id, "quarantined", error=told, run_id=run_id)
        return self._file(held, note)

    def _returned(self, claim: Claim, message: str | None, not_before: float = 0.0) -> Filed:
        arrival = self.ledger.arrival(claim.note.id)
        ended = self._back(claim.hold, claim.note, arrival, message, not_before)
        return ended or Filed(claim.note.original, "returned", None, message)

    def _back(
        self,
        held: Hold,
        note: Note | None,
        arrival: Arrival | None,
        message: str | None = None,
        not_before: float = 0.0,
    ) -> Filed | None:
        if arrival is not None and arrival.state == "claimed":
            self.ledger.end(arrival.id, "returned", error=message)
        place = claims.give_back(self.inbox, held, note)
        if place is not None and not_before:
            self.ledger.keep_sightings({place: (Sighting("", self._clock(), None, not_before), "to be tried again")})
        if arrival is not None:
            self.ledger.send_to(arrival.id, None)
            self.ledger.filed(arrival.id)
        if place is None:
            return None
        return Filed(note.original if note else place, "returned", self.inbox / place, message)

    def _lacking(self, candidate: Candidate) -> str | None:
        whole = self.inbox / candidate.path
        paths = [whole]
        if candidate.is_folder:
            paths = [f for f in sorted(whole.iterdir()) if f.is_file() and names.may_be_taken(f.name)]
        for path in paths:
            lacking = self.carried.lacking(path)
            if lacking:
                return f"{path.name}: {lacking}" if candidate.is_folder else lacking
        return None


@contextmanager
def _kept(held: Hold) -> Iterator[None]:
    """Where something goes wrong, the claim is left as by a process that died: the next scan sees to it."""
    try:
        yield
    except BaseException:
        held.abandon()
        raise


@contextmanager
def _ending(held: Hold) -> Iterator[None]:
    with _kept(held):
        yield
        held.let_go()


def _state_of(status: str) -> Literal["done", "partial"]:
    return "done" if status == "complete" else "partial"


def is_lasting(error: BaseException) -> bool:
    """Whether trying again would fail in the same way, because of the file."""
    return isinstance(error, PermanentError)
