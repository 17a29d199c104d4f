"""Claim a recording of the inbox for this process alone: a lock, a note, a rename.

    .claimed/<sha12>/<its own name>  the recording, a file or a folder, and its sidecars

With `inbox.after = keep` nothing is moved: in a folder that other programs read, or that is synchronised between two
machines, recordings would vanish for hours. The note is then the claim: it is created exclusively, so that of two
processes only one succeeds.
"""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

from tasks.intake import files, folders, names
from tasks.intake.claim_lock import NOTE, ClaimLock, ClaimNote
from tasks.intake.fingerprint import fingerprint
from tasks.intake.scan import Candidate, inspect_candidate
from tasks.sidecars import find_sidecars, list_names, rename_sidecar
from tasks.storage.atomic import write_atomically


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording that this process has claimed."""

    inbox: Path
    lock: ClaimLock
    note: ClaimNote
    candidate: Candidate

    @property
    def path(self) -> Path:
        """The recording's present path: a file, or a folder of files that are one recording."""
        return locate_recording(self.inbox, self.lock, self.note)

    @property
    def recordings(self) -> list[Path]:
        """The files of the recording."""
        return folders.list_parts(self.path) if self.path.is_dir() else [self.path]

    @property
    def sidecars(self) -> list[Path]:
        """The recording's sidecars (JSON files beside it)."""
        return list_sidecars(self.inbox, self.lock, self.note)

    def has_changed_sidecars(self) -> bool:
        """Whether a sidecar was added or changed since the claim: the results may then carry another start time."""
        return has_changed_sidecars(self.inbox, self.lock, self.note)

    def is_unchanged(self) -> bool:
        """Whether sizes and times are those that were seen when the recording was claimed."""
        stays = self.note.stays is not None
        root, path = (self.inbox, self.note.original) if stays else (self.lock.folder, Path(self.path.name))
        now = inspect_candidate(root, path, is_folder=self.candidate.is_folder)
        return now is not None and now.signature == self.candidate.signature


def locate_recording(inbox: Path, lock: ClaimLock, note: ClaimNote) -> Path:
    """The path at which a claim's recording lies; it may no longer exist."""
    here = lock.folder / note.original.name
    return here if note.stays is None or os.path.lexists(here) else inbox / note.original


def list_sidecars(inbox: Path, lock: ClaimLock, note: ClaimNote) -> list[Path]:
    """The sidecars of a claim's recording."""
    if note.stays is None:
        return [item for item in lock.items() if item.name != note.original.name]
    source = inbox / note.original
    return [source.with_name(name) for name in _list_sidecars_beside(source, is_folder=source.is_dir())[0]]


def has_changed_sidecars(inbox: Path, lock: ClaimLock, note: ClaimNote) -> bool:
    """Whether the sidecars of a claim's recording differ from those at the time of the claim.

    Where a new recording of the same name has arrived, sidecars that came since belong to that one.
    """
    source = inbox / note.original
    if note.stays is not None:
        now = inspect_candidate(inbox, note.original, is_folder=source.is_dir())
        return now is not None and fingerprint(inbox, note.original, now.signature) != note.stays
    if os.path.lexists(source):
        return False
    own, beside = _list_sidecars_beside(source, is_folder=(lock.folder / source.name).is_dir())
    own = [name for name in own if not names.is_shared_sidecar(name, source.name, beside)]
    return any(not _has_same_content(source.with_name(name), lock.folder / name) for name in own)


def _has_same_content(sidecar: Path, taken: Path) -> bool:
    return taken.is_file() and files.digest_of(sidecar) == files.digest_of(taken)


def fetch_sidecars(inbox: Path, lock: ClaimLock, note: ClaimNote) -> None:
    """Move sidecars that arrived after the claim into the claim's folder."""
    source = inbox / note.original
    if note.stays is None and not os.path.lexists(source):
        _move_sidecars(source, lock.folder, is_folder=(lock.folder / source.name).is_dir())


def take(inbox: Path, candidate: Candidate, sha256: str, lock: ClaimLock, *, stays: bool = False) -> Claim | None:
    """Claim the candidate, whose digest is `sha256`: move it, then its sidecars, into the locked claim folder.
    `stays`: leave everything in place.

    None, with nothing changed, where it is gone, has changed or is claimed by another process. Raises OSError where
    it can't be moved.
    """
    seen = fingerprint(inbox, candidate.path, candidate.signature)
    if seen is None:
        return None
    note = ClaimNote(uuid.uuid4().hex, sha256, candidate.path, socket.gethostname(), seen if stays else None)
    claim = Claim(inbox, lock, note, candidate)
    return _claim_in_place(claim) if stays else _claim_by_moving(claim)


def _claim_in_place(claim: Claim) -> Claim | None:
    try:
        files.write_new(claim.lock.folder / NOTE, claim.note.text())
    except FileExistsError:  # another machine's, whose lock doesn't reach us
        return None
    if not claim.is_unchanged():
        files.remove(claim.lock.folder / NOTE)
        return None
    return claim


def _claim_by_moving(claim: Claim) -> Claim | None:
    lock, source = claim.lock, claim.inbox / claim.note.original
    write_atomically(lock.folder / NOTE, claim.note.text())
    # Before the file: a marker left behind would vouch for the next file of that name.
    _remove_marker(source)
    try:
        files.rename_away(source, claim.path)
    except OSError as error:
        files.remove(lock.folder / NOTE)
        if isinstance(error, FileNotFoundError):
            return None
        raise
    if not claim.is_unchanged():
        give_back(claim.inbox, lock, claim.note)
        return None
    _move_sidecars(source, lock.folder, is_folder=claim.candidate.is_folder)
    return claim


def move_into_claim(inbox: Path, lock: ClaimLock, note: ClaimNote) -> bool:
    """Move a recording that was claimed in place into the claim's folder, if it is unchanged.

    True where it lies there now. Idempotent. Raises OSError where it can't be moved.
    """
    source, target = inbox / note.original, lock.folder / note.original.name
    if not os.path.lexists(target):
        _remove_marker(source)
        now = inspect_candidate(inbox, note.original, is_folder=source.is_dir())
        if now is None or fingerprint(inbox, note.original, now.signature) != note.stays:
            return False
        files.rename_away(source, target)
    _move_sidecars(source, lock.folder, is_folder=target.is_dir())
    return True


def _remove_marker(source: Path) -> None:
    marker = names.find_marker(source.name, list_names(source.parent))
    if marker is not None:
        files.remove(source.with_name(marker))


def _move_sidecars(source: Path, into: Path, *, is_folder: bool) -> None:
    own, beside = _list_sidecars_beside(source, is_folder=is_folder)
    for sidecar in own:
        move = files.copy_new if names.is_shared_sidecar(sidecar, source.name, beside) else files.move_new
        with contextlib.suppress(OSError):  # it has gone meanwhile
            move(source.with_name(sidecar), into / sidecar)


def _list_sidecars_beside(source: Path, *, is_folder: bool) -> tuple[list[str], set[str]]:
    """(names of a recording's sidecars, all names there)."""
    try:
        beside = set(os.listdir(source.parent))
    except OSError:
        return [], set()
    own = find_sidecars(source.name, beside, is_folder=is_folder)
    places = {name: source.with_name(name) for name in own}
    return [name for name, place in places.items() if place.is_file() and not place.is_symlink()], beside


def give_back(inbox: Path, lock: ClaimLock, note: ClaimNote | None) -> Path | None:
    """Move everything back into the inbox, the recording last; returns its path relative to the inbox.

    A numbered name is used where its own is taken by now; sidecars follow that name. The note is removed; the lock
    stays.
    """
    if note is not None and note.stays is not None:
        files.remove(lock.folder / NOTE)
        return note.original if os.path.lexists(inbox / note.original) else None
    back = note.original if note else None
    main = back.name if back else None
    wanted = _find_free_name(inbox / back, lock.folder / back.name) if back else None
    moved: Path | None = None
    for item in sorted(lock.items(), key=lambda p: p.name == main):
        is_main = main is None or item.name == main
        target = inbox / item.name if wanted is None else wanted
        if not is_main and wanted is not None and main is not None:
            target = wanted.with_name(rename_sidecar(item.name, main, wanted.name))
        files.make_folder(target.parent)
        if not is_main and target.is_file() and files.digest_of(target) == files.digest_of(item):
            files.remove(item)  # a sidecar shared with another recording was copied
            continue
        placed = move_numbered(item, target)
        if is_main:
            moved = placed.relative_to(inbox)
    files.remove(lock.folder / NOTE)
    return moved


def _find_free_name(wanted: Path, source: Path) -> Path:
    """The first numbered name that `move_numbered` will find free for `source`."""
    number = 1
    while True:
        target = wanted.with_name(names.add_number(wanted.name, number))
        if not os.path.lexists(target) or (source.exists() and target.exists() and target.samefile(source)):
            return target
        number += 1


def move_numbered(source: Path, wanted: Path) -> Path:
    """Move to `wanted`, or to the first numbered name that is free; returns the new path."""
    number = 1
    while True:
        target = wanted.with_name(names.add_number(wanted.name, number))
        try:
            files.move(source, target)
            return target
        except FileExistsError:
            if not source.is_dir() and os.path.exists(target) and os.path.samefile(source, target):
                files.remove(source)  # an earlier move died between its link and its end
                return target
            number += 1
