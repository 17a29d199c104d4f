"""A claim's folder: its lock, and its note.

    .claimed/<sha12>/.lock           locked (flock) by the process at work; the kernel unlocks it when that dies
    .claimed/<sha12>/.claim.json     the arrival's id, the digest, the original path, the host

Locks are per content, so that the same bytes under two names are never processed at once. Where locks aren't shared
between machines (some network shares), a heartbeat shows that the holder lives: it touches `.lock` twice a minute.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from filelock import lock_descriptor

from tasks.errors import TransientError
from tasks.intake import files, names

LOCK, NOTE = ".lock", ".claim.json"
HEARTBEAT_S = 30.0
REMOTE_TIMEOUT_S = 900.0
"""Another machine's claim counts as dead after so many seconds without a heartbeat."""


@dataclass(frozen=True, slots=True)
class ClaimNote:
    """The content of `.claim.json`."""

    id: str
    sha256: str
    original: Path
    """Relative to the inbox."""
    host: str
    stays: str | None = None
    """Fingerprint (`fingerprint.py`) of a recording that is claimed in place; None where it lies in the claim's
    folder."""

    def text(self) -> str:
        """The note as JSON; the path as hexadecimal bytes, since names need not be UTF-8."""
        stored = {
            "id": self.id,
            "sha256": self.sha256,
            "original": os.fsencode(self.original).hex(),
            "host": self.host,
        }
        return json.dumps(
            {**stored, "stays": self.stays, "name": os.fsencode(self.original).decode("utf-8", "replace")}
        )


@dataclass(slots=True)
class ClaimLock:
    """A claim's folder, locked for this process. Call `release` when done."""

    folder: Path
    _handle: int
    _ended: threading.Event = field(default_factory=threading.Event)

    def keep_alive(self) -> None:
        """Start a daemon thread that touches the lock every `HEARTBEAT_S` seconds."""

        def beat() -> None:
            while True:
                try:
                    os.utime(self.folder / LOCK)
                except OSError:
                    return
                if self._ended.wait(HEARTBEAT_S):
                    return

        threading.Thread(target=beat, name="daylong-claim", daemon=True).start()

    def release(self) -> None:
        """Unlock; remove the folder where it holds no recording and no note."""
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
        """The recording and its sidecars in this folder."""
        return sorted(p for p in self.folder.iterdir() if not p.name.startswith("."))

    def sweep(self) -> None:
        """Remove temporary files that a dead process left."""
        for aside in self.folder.glob(".*.part"):
            files.remove(aside)

    def note(self) -> ClaimNote | None:
        """The claim's note; None where there is none, or it can't be read."""
        return _read_note(self.folder)


def list_claims(inbox: Path) -> list[Path]:
    """The folders of all claims. Raises TransientError where they can't be read."""
    try:
        with os.scandir(inbox / names.CLAIMED) as listing:
            return sorted(Path(entry.path) for entry in listing if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TransientError(f"{inbox}: can't be read ({error.strerror}). Is its disk there?") from error


def read_notes(inbox: Path) -> list[ClaimNote]:
    """The notes of all claims, of live and dead processes."""
    return [note for note in map(_read_note, list_claims(inbox)) if note is not None]


def find_in_place_claims(inbox: Path) -> dict[Path, str]:
    """The fingerprints of recordings that any process has claimed in place, by path."""
    return {note.original: note.stays for note in read_notes(inbox) if note.stays is not None}


def _read_note(folder: Path) -> ClaimNote | None:
    try:
        stored = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        original = Path(os.fsdecode(bytes.fromhex(stored["original"])))
        return ClaimNote(str(stored["id"]), str(stored["sha256"]), original, str(stored["host"]), stored.get("stays"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def claim_folder(inbox: Path, sha256: str) -> Path:
    return inbox / names.CLAIMED / sha256[:12]


def acquire(folder: Path) -> ClaimLock | None:
    """Lock a claim's folder, created if need be; None where another process holds it."""
    while True:
        files.make_folder(folder)
        try:
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except FileNotFoundError:
            continue  # removed between the two by the process that released it
        try:
            if not lock_descriptor(handle, blocking=False):
                os.close(handle)
                return None
            if os.path.samestat(os.fstat(handle), os.stat(folder / LOCK)):
                return ClaimLock(folder, handle)
        except OSError as error:
            os.close(handle)
            if not isinstance(error, FileNotFoundError):
                raise
        else:
            os.close(handle)  # of a folder that was released and created again meanwhile


def is_alive_elsewhere(note: ClaimNote, last_beat: float) -> bool:
    """Whether a claim belongs to a live process of another machine, by its last heartbeat (seconds since the
    epoch)."""
    return note.host != socket.gethostname() and time.time() - last_beat < REMOTE_TIMEOUT_S


def last_beat(folder: Path) -> float:
    """Time of the claim's last heartbeat, seconds since the epoch; 0 where there is none."""
    try:
        return (folder / LOCK).stat().st_mtime
    except OSError:
        return 0.0
