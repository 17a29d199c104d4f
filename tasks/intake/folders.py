"""A folder of the inbox that is one recording: its parts and its other files.

The parts are its own files with a recording's suffix, as for `daylong run --together`; other files (notes, pictures)
are moved along with them. Sub-folders with files, and links, make the folder wait.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tasks.intake import files, names
from tasks.sidecars import find_sidecars, list_names


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder's state at the time of a scan."""

    parts: int
    """Number of files that are the recording."""
    size: int
    """Bytes of all parts."""
    changed_s: float
    """Latest modification time of a part, seconds since the epoch."""
    signature: str
    """Digest of all its files' names, sizes and times, and of the obstacles."""
    copying: str | None
    """A file that is being copied into it."""
    obstacle: str | None
    """Why it can't be taken as it is."""


def inspect(inbox: Path, path: Path) -> Folder:
    """The state of the folder at `path`, relative to the inbox. Raises OSError where it can't be read."""
    parts, others, size, newest, copying = 0, 0, 0, 0.0, None
    lines, obstacles = list[str](), list[str]()
    with os.scandir(inbox / path) as listing:
        for entry in sorted(listing, key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                if names.may_be_entered(entry.name) and _holds_files(inbox / path / entry.name):
                    where = names.format_path(path / entry.name)
                    obstacles.append(f"{where} lies in a folder that is one recording: put it beside it")
                continue
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                if names.may_be_taken(entry.name):
                    what = "a link" if entry.is_symlink() else "not a regular file"
                    obstacles.append(f"{names.format_path(path / entry.name)} is {what}; put the file itself there")
                continue
            lines.append(f"{os.fsencode(entry.name).hex()} {status.st_size} {status.st_mtime_ns}")
            if names.is_unfinished(entry.name) and not entry.name.startswith("."):
                copying = entry.name
            elif names.is_part(entry.name):
                parts += 1
                size, newest = size + status.st_size, max(newest, status.st_mtime)
            elif names.may_be_taken(entry.name):
                others += 1
    if others and not (parts or obstacles):
        obstacles.append("none of its files is a recording, by the end of its name (.wav, .mp3, …)")
    signature = hashlib.sha256("\n".join(lines + obstacles).encode()).hexdigest()[:32]
    return Folder(parts, size, newest, signature, copying, next(iter(obstacles), None))


def list_parts(folder: Path) -> list[Path]:
    """The files of the recording that the folder is, by name."""
    return sorted(f for f in folder.iterdir() if names.is_part(f.name) and f.is_file() and not f.is_symlink())


def discard(folder: Path, sha256: str) -> bool:
    """Remove the processed files of a folder, if its digest still is `sha256`. True where nothing is left of it.

    Other files beside the recording stay; where the folder's content has changed nothing is removed.
    """
    if not folder.exists():
        return True
    if files.digest_of(folder) != sha256:
        return False
    parts = list_parts(folder)
    there = list_names(folder)
    owned = {own for part in parts for own in (*find_sidecars(part.name, there), names.find_marker(part.name, there))}
    owned |= {*find_sidecars(folder.name, there, is_folder=True), *filter(names.is_together, there)}
    for path in (*parts, *(folder / name for name in sorted(filter(None, owned)))):
        if not path.is_dir():
            files.remove(path)
    for path in folder.iterdir():
        if names.is_litter(path.name) and path.is_file():
            files.remove(path)
    for inner, _, _ in os.walk(folder, topdown=False):
        files.remove_folder(Path(inner))
    return not folder.exists()


def _holds_files(folder: Path) -> bool:
    """Whether the folder or a sub-folder holds any file but what systems create by themselves."""

    def refused(error: OSError) -> NoReturn:
        raise error

    for where, inner, found in os.walk(folder, onerror=refused):
        if not all(map(names.is_litter, found)) or any(os.path.islink(os.path.join(where, name)) for name in inner):
            return True
        inner[:] = filter(names.may_be_entered, inner)
    return False
