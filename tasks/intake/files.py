"""Atomic changes of files in an inbox.

No file ever replaces another. Moves within a file system are links and renames; across file systems a file is copied
under a temporary name, flushed and renamed before the original is removed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from pathlib import Path

from tasks.storage import atomic
from tasks.storage.files import write_durably

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
"""Error numbers of file systems without hard links (FAT, many network shares)."""


def make_folder(folder: Path) -> None:
    os.makedirs(folder, exist_ok=True)


def rename_away(source: Path, target: Path) -> None:
    """Rename into a folder that this process has locked. Raises FileNotFoundError where `source` is gone."""
    os.rename(source, target)


def move_new(source: Path, target: Path) -> None:
    """Move a file or folder within a file system. Raises FileExistsError, with nothing changed, where `target`
    exists."""
    if source.is_dir() and not source.is_symlink():
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        os.rename(source, target)
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # The name is taken first, so that nobody else can; then the file replaces the empty one.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o660))
        os.replace(source, target)
        return
    remove(source)


def move_across(source: Path, target: Path) -> None:
    """`move_new` to another file system: `target` appears complete before `source` is removed."""
    with atomic.stage(target) as staged:
        if source.is_dir():
            before = _take_snapshot(source)
            shutil.copytree(source, staged, symlinks=True, copy_function=_copy)
            flush(staged)
            if _take_snapshot(source) != before:  # what came meanwhile would go with the old one
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(source))
        else:
            _copy(source, staged)
        move_new(staged, target)
    flush(target.parent)
    remove(source)


def move(source: Path, target: Path) -> None:
    """`move_new`, within a file system or across two."""
    try:
        move_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        move_across(source, target)


def copy_new(source: Path, target: Path) -> None:
    """Copy `source`; `target` appears complete. Raises FileExistsError where it exists."""
    with atomic.stage(target) as staged:
        _copy(source, staged)
        move_new(staged, target)


def write_new(path: Path, text: str) -> None:
    """Create a small text file atomically. Raises FileExistsError where another process has created it."""
    with atomic.stage(path) as staged:
        write_durably(staged, text.encode())
        move_new(staged, path)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENAMETOOLONG):  # a name that is too long is nobody's
            raise


def remove_folder(folder: Path) -> None:
    """Remove a folder if it is empty."""
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def flush(folder: Path) -> None:
    """Flush a folder's entries to disk, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal; of a folder, of its files' names and digests."""
    if not path.is_dir():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for file_path in sorted(f for f in path.rglob("*") if f.is_file() and not f.is_symlink()):
        name = os.fsencode(file_path.relative_to(path))
        whole.update(name.hex().encode() + b" " + digest_of(file_path).encode() + b"\n")
    return whole.hexdigest()


def _take_snapshot(folder: Path) -> dict[Path, tuple[int, int]]:
    """(size in bytes, modification time in ns) of everything in a folder, by path."""
    found = ((f, f.lstat()) for f in folder.rglob("*"))
    return {f: (status.st_size, status.st_mtime_ns) for f, status in found if not f.is_dir() or f.is_symlink()}


def _copy(source: str | Path, target: str | Path) -> None:
    shutil.copyfile(source, target)
    with contextlib.suppress(OSError):
        shutil.copystat(source, target)
    with open(target, "rb") as file:
        os.fsync(file.fileno())
