"""Taking a recording out of the inbox so that nobody else can: a lock, a note, a rename.

    .claimed/<sha12>/.lock           held (flock) by the process that works on it: the kernel lets go when that dies
    .claimed/<sha12>/.claim.json     which arrival it is, and what it was called
    .claimed/<sha12>/<its own name>  the recording, a file or a folder, and its sidecar

Locks are per content, so that the same bytes under two names are never worked on at once. Where another machine's
locks don't reach us (some network shares), its heartbeat tells that it lives: it touches `.lock` twice a minute.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from tasks.intake import files, names
from tasks.intake.scan import Candidate, look

LOCK, NOTE = ".lock", ".claim.json"
HEARTBEAT_S = 30.0
ABROAD_S = 900.0
"""Another machine's claim counts as dead when its heart has not beaten for so long."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a claim's folder tells about it."""

    id: str
    sha256: str
    original: Path
    """Relative to the inbox."""
    host: str

    def text(self) -> str:
        told = {"id": self.id, "sha256": self.sha256, "original": os.fsencode(self.original).hex(), "host": self.host}
        return json.dumps({**told, "name": os.fsencode(self.original).decode("utf-8", "replace")})


@dataclass(slots=True)
class Hold:
    """A claim's folder, locked: nobody else changes anything in it. `let_go` when done."""

    folder: Path
    _handle: int
    _ended: threading.Event = field(default_factory=threading.Event)

    def keep_alive(self) -> None:
        """Touch the lock now and then, from a thread of its own."""

        def beat() -> None:
            while True:
                try:
                    os.utime(self.folder / LOCK)
                except OSError:
                    return
                if self._ended.wait(HEARTBEAT_S):
                    return

        threading.Thread(target=beat, name="daylong-claim", daemon=True).start()

    def let_go(self) -> None:
        """Unlock; the folder goes if nothing is left in it but our own."""
        self._ended.set()
        if self._handle < 0:
            return
        try:
            if self.folder.is_dir() and not self.items() and not (self.folder / NOTE).exists():
                files.remove(self.folder / LOCK)
                files.remove_folder(self.folder)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Unlock, as the kernel does for a process that dies."""
        self._ended.set()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def items(self) -> list[Path]:
        """What was put here: the recording and its sidecars."""
        return sorted(p for p in self.folder.iterdir() if not p.name.startswith("."))

    def sweep(self) -> None:
        """Remove what a process that died was about to write."""
        for aside in self.folder.glob(".*.part"):
            files.remove(aside)

    def note(self) -> Note | None:
        """Whose claim it is; None where that was never written."""
        try:
            told = json.loads((self.folder / NOTE).read_text(encoding="utf-8"))
            original = Path(os.fsdecode(bytes.fromhex(told["original"])))
            return Note(str(told["id"]), str(told["sha256"]), original, str(told["host"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording that is ours to process."""

    hold: Hold
    note: Note
    candidate: Candidate

    @property
    def path(self) -> Path:
        """Where it lies now: a file, or a folder of files that are one recording."""
        return self.hold.folder / self.note.original.name

    @property
    def recordings(self) -> list[Path]:
        """The files of the recording."""
        if not self.path.is_dir():
            return [self.path]
        return sorted(f for f in self.path.iterdir() if f.is_file() and names.may_be_taken(f.name))


def folder_of(inbox: Path, sha256: str) -> Path:
    return inbox / names.CLAIMED / sha256[:12]


def hold(folder: Path) -> Hold | None:
    """Lock a claim's folder, made if need be; None where somebody else holds it."""
    while True:
        files.make_folder(folder)
        try:
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except FileNotFoundError:
            continue  # removed between the two by whoever let it go
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(folder / LOCK)):
                return Hold(folder, handle)
        except BlockingIOError:
            os.close(handle)
            return None
        except FileNotFoundError:
            pass
        os.close(handle)


def is_alive_elsewhere(note: Note, last_beat: float) -> bool:
    """Whether a claim whose lock we could get is another machine's that lives, by its heart's last beat."""
    return note.host != socket.gethostname() and time.time() - last_beat < ABROAD_S


def last_beat(folder: Path) -> float:
    """When the claim's heart beat last, seconds since the epoch; 0 where there is none."""
    try:
        return (folder / LOCK).stat().st_mtime
    except OSError:
        return 0.0


def take(inbox: Path, candidate: Candidate, sha256: str, held: Hold) -> Claim | None:
    """Move the candidate, whose digest is `sha256`, into the folder that is held, and its sidecars after it.

    None where it is gone or has changed since: then all is as it was. OSError where it can't be moved.
    """
    note = Note(uuid.uuid4().hex, sha256, candidate.path, socket.gethostname())
    claim = Claim(held, note, candidate)
    files.write(held.folder / NOTE, note.text())
    source = inbox / candidate.path
    # Before the file: a marker left behind would vouch for the next file of that name.
    files.remove(source.with_name(source.name + names.MARKER))
    try:
        files.take(source, claim.path)
    except OSError as error:
        files.remove(held.folder / NOTE)
        if isinstance(error, FileNotFoundError):
            return None
        raise
    if not unchanged(claim):
        give_back(inbox, claim.hold, note)
        return None
    if not candidate.is_folder:
        _take_sidecars(source, claim)
    return claim


def unchanged(claim: Claim) -> bool:
    """Whether it still is what was looked at when it was taken."""
    now = look(claim.hold.folder, Path(claim.path.name), is_folder=claim.candidate.is_folder)
    return now is not None and now.signature == claim.candidate.signature


def _take_sidecars(source: Path, claim: Claim) -> None:
    try:
        beside = set(os.listdir(source.parent))
    except OSError:
        return
    for sidecar in names.sidecars(source.name, beside):
        there, here = source.with_name(sidecar), claim.hold.folder / sidecar
        if there.is_symlink() or not there.is_file():
            continue
        try:
            (files.copy_new if names.shared_sidecar(sidecar, source.name, beside) else files.move_new)(there, here)
        except OSError:
            continue  # gone meanwhile


def give_back(inbox: Path, held: Hold, note: Note | None) -> Path | None:
    """Put everything back where it came from, the recording last; where it lies now, relative to the inbox.

    Under its own name, or under a numbered one where that is taken by now. The note goes; the lock stays.
    """
    back = note.original if note else None
    main = back.name if back else None
    moved: Path | None = None
    for item in sorted(held.items(), key=lambda p: p.name == main):
        target = (inbox / back).parent / item.name if back else inbox / item.name
        is_main = main is None or item.name == main
        files.make_folder(target.parent)
        if not is_main and target.is_file() and target.read_bytes() == item.read_bytes():
            files.remove(item)  # a sidecar shared with another recording was copied
            continue
        placed = put(item, target)
        if is_main:
            moved = placed.relative_to(inbox)
    files.remove(held.folder / NOTE)
    return moved


def put(source: Path, wanted: Path) -> Path:
    """Move to `wanted`, or to the first numbered name that is free; where it is now."""
    number = 1
    while True:
        target = wanted.with_name(names.numbered(wanted.name, number))
        try:
            files.move(source, target)
            return target
        except FileExistsError:
            if not source.is_dir() and os.path.exists(target) and os.path.samefile(source, target):
                files.remove(source)  # an earlier move died between its link and its end
                return target
            number += 1
