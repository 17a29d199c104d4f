"""The few operations on files that publication is made of.

Names that were made, moved or removed are on the disk once `sync_folders` has returned; before, a power cut may undo
them, in any order.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Write and flush to the disk. Not atomic: for names that nobody reads yet."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def move(source: Path, target: Path) -> None:
    """Rename within one file system, replacing `target` in one step."""
    make_folder(target.parent)
    os.replace(source, target)


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return


def remove_folder_of_files(path: Path) -> None:
    """Remove a flat folder and what is in it, if it is there."""
    if not path.is_dir():
        return
    for file in path.iterdir():
        os.unlink(file)
    os.rmdir(path)


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
