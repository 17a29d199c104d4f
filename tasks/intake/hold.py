"""A claim's folder: its lock, and the note that says whose it is.

    .claimed/<sha12>/.lock           held (flock) by the process that works on it: the kernel lets go when that dies
    .claimed/<sha12>/.claim.json     which arrival it is, and what it was called

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
from dataclasses import dataclass, field
from pathlib import Path

from tasks.intake import files, names

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
    stays: str | None = None
    """The recording is worked on where it lies, and this is its fingerprint (`kept.py`); None: it lies here."""

    def text(self) -> str:
        """The note as JSON; a name's bytes may be no text."""
        told = {"id": self.id, "sha256": self.sha256, "original": os.fsencode(self.original).hex(), "host": self.host}
        return json.dumps(
            {**told, "stays": self.stays, "name": os.fsencode(self.original).decode("utf-8", "replace")}
        )


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
        return _read(self.folder)


def worked_on_in_place(inbox: Path) -> dict[Path, str]:
    """The fingerprints of recordings that are claimed where they lie, by anybody, by their paths."""
    notes = map(_read, (inbox / names.CLAIMED).glob("*"))
    return {note.original: note.stays for note in notes if note is not None and note.stays is not None}


def _read(folder: Path) -> Note | None:
    try:
        told = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        original = Path(os.fsdecode(bytes.fromhex(told["original"])))
        return Note(str(told["id"]), str(told["sha256"]), original, str(told["host"]), told.get("stays"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
        except OSError as error:
            os.close(handle)
            if not isinstance(error, FileNotFoundError):
                raise
        else:
            os.close(handle)  # of a folder that was let go of and made again meanwhile


def is_alive_elsewhere(note: Note, last_beat: float) -> bool:
    """Whether a claim whose lock we could get is another machine's that lives, by its heart's last beat."""
    return note.host != socket.gethostname() and time.time() - last_beat < ABROAD_S


def last_beat(folder: Path) -> float:
    """When the claim's heart beat last, seconds since the epoch; 0 where there is none."""
    try:
        return (folder / LOCK).stat().st_mtime
    except OSError:
        return 0.0
