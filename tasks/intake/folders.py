"""A folder of the inbox that is one recording: which of its files that is, and what else lies in it.

Its own files with a recording's name are the recording, as they are for `daylong run --together`; other files (notes,
pictures) go where it goes. What would be swallowed by that, folders with files and links, keeps it waiting.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tasks.intake import files, names


@dataclass(frozen=True, slots=True)
class Folder:
    """What was seen of a folder."""

    parts: int
    """Files of the recording."""
    size: int
    """Of the parts, bytes."""
    changed_s: float
    """When the latest part was changed last, seconds since the epoch."""
    signature: str
    """Of all its files' names, sizes and times, and of what keeps it waiting."""
    copying: str | None
    """A file that is being copied into it."""
    obstacle: str | None
    """Why it can't be taken as it is."""


def seen(inbox: Path, path: Path) -> Folder:
    """The folder at `path`, relative to the inbox. Raises OSError where it can't be looked at."""
    parts, others, size, newest, copying = 0, 0, 0, 0.0, None
    lines, obstacles = list[str](), list[str]()
    with os.scandir(inbox / path) as listing:
        for entry in sorted(listing, key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                if names.may_be_entered(entry.name) and _holds_files(inbox / path / entry.name):
                    where = names.shown(path / entry.name)
                    obstacles.append(f"{where} lies in a folder that is one recording: put it beside it")
                continue
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                if names.may_be_taken(entry.name):
                    what = "a link" if entry.is_symlink() else "not a regular file"
                    obstacles.append(f"{names.shown(path / entry.name)} is {what}; put the file itself there")
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


def parts_of(folder: Path) -> list[Path]:
    """The files of the recording that the folder is, by name."""
    return sorted(f for f in folder.iterdir() if names.is_part(f.name) and f.is_file() and not f.is_symlink())


def discard(folder: Path, sha256: str) -> bool:
    """Remove what was processed of a folder whose digest was `sha256` then; whether nothing is left of it.

    Nothing else is ever removed: not a file that lay there beside the recording, and nothing at all where anything
    has come since.
    """
    if not folder.exists():
        return True
    if files.digest_of(folder) != sha256:
        return False
    parts = parts_of(folder)
    told = {own for part in parts for own in (*names.own_sidecars(part.name), part.name + names.MARKER)}
    told |= {names.TOGETHER, *names.own_sidecars(folder.name, is_folder=True)}
    for path in (*parts, *(folder / name for name in sorted(told))):
        if not path.is_dir():
            files.remove(path)
    for path in folder.iterdir():
        if names.is_litter(path.name) and path.is_file():
            files.remove(path)
    for inner, _, _ in os.walk(folder, topdown=False):
        files.remove_folder(Path(inner))
    return not folder.exists()


def _holds_files(folder: Path) -> bool:
    """Whether there is anything in it, or in its folders, that somebody has put there."""

    def refused(error: OSError) -> NoReturn:
        raise error

    for where, inner, found in os.walk(folder, onerror=refused):
        if not all(map(names.is_litter, found)) or any(os.path.islink(os.path.join(where, name)) for name in inner):
            return True
        inner[:] = filter(names.may_be_entered, inner)
    return False
