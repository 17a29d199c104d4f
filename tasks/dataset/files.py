"""The few operations on files that publication is made of: each is whole or not at all, and on the disk when done."""

from __future__ import annotations

import os
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
    sync_folder(target.parent)
    sync_folder(source.parent)


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    sync_folder(path.parent)


def remove_folder_of_files(path: Path) -> None:
    """Remove a flat folder and what is in it, if it is there."""
    if not path.is_dir():
        return
    for file in path.iterdir():
        os.unlink(file)
    os.rmdir(path)
    sync_folder(path.parent)


def remove_empty_folder(path: Path) -> None:
    """Remove a folder if nothing is in it."""
    try:
        os.rmdir(path)
    except OSError:  # not there, or not empty
        return
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, each of them on the disk."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put the names in a folder on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
