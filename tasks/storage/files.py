"""The few operations on files that publication is made of.

Names that were made, moved or removed are on the disk once `sync_folders` has returned; before, a power cut may undo
them, in any order.
"""

from __future__ import annotations

import errno
import os
import shutil
import unicodedata
from collections.abc import Iterable
from pathlib import Path


def is_plain_name(name: str) -> bool:
    """Whether a file of ours may be called that: in its folder, on any system, not passed over by readers (leading
    "." or "_")."""
    odd = not name or name[0] in "._" or any(c in "/\\" or unicodedata.category(c) in ("Cc", "Cs") for c in name)
    return not odd and len(name.encode()) <= 255


def write_durably(path: Path, data: bytes) -> None:
    """Write and flush to the disk. Not atomic: for names that nobody reads yet."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def move(source: Path, target: Path) -> None:
    """Move a file, replacing `target` in one step, on whichever disk it lies.

    From one file system (or mount) to another it is copied beside its target first, under a hidden name that is
    always the same: whoever does this again after a process died there leaves nothing over.
    """
    make_folder(target.parent)
    try:
        os.replace(source, target)
    except OSError as err:
        if err.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.part")
        try:
            write_durably(beside, source.read_bytes())
            os.replace(beside, target)
        except OSError:
            remove(beside)  # a full disk should not be kept full
            raise
        sync_folders([target.parent])
        os.unlink(source)


def is_accessible_folder(folder: Path) -> bool:
    """Whether the folder can be looked at now; a disk that is away, or is somebody else's, says nothing."""
    try:
        return folder.is_dir()
    except OSError:
        return False


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return


def remove_folder(path: Path) -> None:
    """Remove a folder and what is in it, if it is there: also what a NAS put into it, never what a link leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def remove_empty_folder(path: Path) -> None:
    """Remove a folder if nothing is in it."""
    try:
        os.rmdir(path)
    except OSError:  # not there, or not empty
        return


def make_folder(path: Path) -> None:
    """Make a folder and those above it, each of them on the disk."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folders([path.parent])


def sync_folders(paths: Iterable[Path]) -> None:
    """Put the names in folders, those that are there, on the disk."""
    for path in sorted(set(paths)):
        if path.is_dir():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
