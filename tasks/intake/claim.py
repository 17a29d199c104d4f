"""Taking a recording out of the inbox so that nobody else can: a lock, a note, a rename.

    .claimed/<sha12>/<its own name>  the recording, a file or a folder, and its sidecars

With `inbox.after = keep` nothing is moved: whoever made the inbox out of a folder that others read, or that is kept
the same on two machines, would see its recordings vanish for hours. The note is the claim then: of two who write it
at once, one finds it there.
"""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

from tasks.intake import files, folders, names
from tasks.intake.hold import NOTE, Hold, Note
from tasks.intake.kept import fingerprint
from tasks.intake.scan import Candidate, look


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording that is ours to process."""

    inbox: Path
    hold: Hold
    note: Note
    candidate: Candidate

    @property
    def path(self) -> Path:
        """Where it lies now: a file, or a folder of files that are one recording."""
        return place_of(self.inbox, self.hold, self.note)

    @property
    def recordings(self) -> list[Path]:
        """The files of the recording."""
        return folders.parts_of(self.path) if self.path.is_dir() else [self.path]

    @property
    def sidecars(self) -> list[Path]:
        """What stands beside it and tells about it."""
        return sidecars_of(self.inbox, self.hold, self.note)

    def is_told_otherwise(self) -> bool:
        """Whether a sidecar has come or changed since it was taken: what was made of it tells another time."""
        return is_told_otherwise(self.inbox, self.hold, self.note)

    def is_unchanged(self) -> bool:
        """Whether it still is what was looked at when it was taken."""
        stays = self.note.stays is not None
        root, path = (self.inbox, self.note.original) if stays else (self.hold.folder, Path(self.path.name))
        now = look(root, path, is_folder=self.candidate.is_folder)
        return now is not None and now.signature == self.candidate.signature


def place_of(inbox: Path, held: Hold, note: Note) -> Path:
    """Where a claim's recording lies, if it is there."""
    here = held.folder / note.original.name
    return here if note.stays is None or os.path.lexists(here) else inbox / note.original


def sidecars_of(inbox: Path, held: Hold, note: Note) -> list[Path]:
    """The sidecars of a claim's recording."""
    if note.stays is None:
        return [item for item in held.items() if item.name != note.original.name]
    source = inbox / note.original
    return [source.with_name(name) for name in _beside(source, is_folder=source.is_dir())[0]]


def is_told_otherwise(inbox: Path, held: Hold, note: Note) -> bool:
    """Whether sidecars of a claim's recording aren't those any more that stood beside it when it was claimed.

    Where another recording may be meant, one of the same name, those that came since are that one's.
    """
    source = inbox / note.original
    if note.stays is not None:
        now = look(inbox, note.original, is_folder=source.is_dir())
        return now is not None and fingerprint(inbox, note.original, now.signature) != note.stays
    if os.path.lexists(source):
        return False
    own, beside = _beside(source, is_folder=(held.folder / source.name).is_dir())
    own = [name for name in own if not names.shared_sidecar(name, source.name, beside)]
    return any(not _is_same(source.with_name(name), held.folder / name) for name in own)


def _is_same(sidecar: Path, taken: Path) -> bool:
    return taken.is_file() and files.digest_of(sidecar) == files.digest_of(taken)


def fetch_sidecars(inbox: Path, held: Hold, note: Note) -> None:
    """Move sidecars that came late to the recording, which has been moved here itself."""
    source = inbox / note.original
    if note.stays is None and not os.path.lexists(source):
        _take_sidecars(source, held.folder, is_folder=(held.folder / source.name).is_dir())


def take(inbox: Path, candidate: Candidate, sha256: str, held: Hold, *, stays: bool = False) -> Claim | None:
    """Claim the candidate, whose digest is `sha256`: move it into the folder that is held, and its sidecars after it.
    `stays`: leave all of it where it is.

    None where it is gone, has changed since or is another's: then all is as it was. OSError where it can't be moved.
    """
    seen = fingerprint(inbox, candidate.path, candidate.signature)
    if seen is None:
        return None
    note = Note(uuid.uuid4().hex, sha256, candidate.path, socket.gethostname(), seen if stays else None)
    claim = Claim(inbox, held, note, candidate)
    return _taken_in_place(claim) if stays else _moved(claim)


def _taken_in_place(claim: Claim) -> Claim | None:
    try:
        files.write_new(claim.hold.folder / NOTE, claim.note.text())
    except FileExistsError:  # another machine's, whose lock doesn't reach us
        return None
    if not claim.is_unchanged():
        files.remove(claim.hold.folder / NOTE)
        return None
    return claim


def _moved(claim: Claim) -> Claim | None:
    held, source = claim.hold, claim.inbox / claim.note.original
    files.write(held.folder / NOTE, claim.note.text())
    # Before the file: a marker left behind would vouch for the next file of that name.
    files.remove(source.with_name(source.name + names.MARKER))
    try:
        files.take(source, claim.path)
    except OSError as error:
        files.remove(held.folder / NOTE)
        if isinstance(error, FileNotFoundError):
            return None
        raise
    if not claim.is_unchanged():
        give_back(claim.inbox, held, claim.note)
        return None
    _take_sidecars(source, held.folder, is_folder=claim.candidate.is_folder)
    return claim


def fetch(inbox: Path, held: Hold, note: Note) -> bool:
    """Move what was claimed where it lies into the claim's folder after all, if it is still what it was.

    Whether it lies there now; can be begun again. OSError where it can't be moved.
    """
    source, target = inbox / note.original, held.folder / note.original.name
    if not os.path.lexists(target):
        files.remove(source.with_name(source.name + names.MARKER))
        now = look(inbox, note.original, is_folder=source.is_dir())
        if now is None or fingerprint(inbox, note.original, now.signature) != note.stays:
            return False
        files.take(source, target)
    _take_sidecars(source, held.folder, is_folder=target.is_dir())
    return True


def _take_sidecars(source: Path, into: Path, *, is_folder: bool) -> None:
    own, beside = _beside(source, is_folder=is_folder)
    for sidecar in own:
        move = files.copy_new if names.shared_sidecar(sidecar, source.name, beside) else files.move_new
        with contextlib.suppress(OSError):  # it has gone meanwhile
            move(source.with_name(sidecar), into / sidecar)


def _beside(source: Path, *, is_folder: bool) -> tuple[list[str], set[str]]:
    """(names of a recording's sidecars, all names there)."""
    try:
        beside = set(os.listdir(source.parent))
    except OSError:
        return [], set()
    own = names.sidecars(source.name, beside, is_folder=is_folder)
    places = {name: source.with_name(name) for name in own}
    return [name for name, place in places.items() if place.is_file() and not place.is_symlink()], beside


def give_back(inbox: Path, held: Hold, note: Note | None) -> Path | None:
    """Put everything back where it came from, the recording last; where it lies now, relative to the inbox.

    Under its own name, or under a numbered one where that is taken by now, and its sidecars under names that go with
    it. The note goes; the lock stays.
    """
    if note is not None and note.stays is not None:
        files.remove(held.folder / NOTE)
        return note.original if os.path.lexists(inbox / note.original) else None
    back = note.original if note else None
    main = back.name if back else None
    wanted = _free(inbox / back, held.folder / back.name) if back else None
    moved: Path | None = None
    for item in sorted(held.items(), key=lambda p: p.name == main):
        is_main = main is None or item.name == main
        target = inbox / item.name if wanted is None else wanted
        if not is_main and wanted is not None and main is not None:
            target = wanted.with_name(names.sidecar_of(wanted.name, item.name, main))
        files.make_folder(target.parent)
        if not is_main and target.is_file() and files.digest_of(target) == files.digest_of(item):
            files.remove(item)  # a sidecar shared with another recording was copied
            continue
        placed = put(item, target)
        if is_main:
            moved = placed.relative_to(inbox)
    files.remove(held.folder / NOTE)
    return moved


def _free(wanted: Path, source: Path) -> Path:
    """The first numbered name that `put` will find free for `source`."""
    number = 1
    while True:
        target = wanted.with_name(names.numbered(wanted.name, number))
        if not os.path.lexists(target) or (source.exists() and target.exists() and target.samefile(source)):
            return target
        number += 1


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
