"""List an inbox: recordings of one file, folders that are one recording, and files that can't be taken."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tasks.intake import folders, names

DEEPEST = 16
"""Depth of nested folders that are listed."""
_COARSE_NS = 2_000_000_000
"""Resolution of modification times on coarse file systems, ns."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file or folder that may be a recording. `path` is relative to the inbox."""

    path: Path
    size: int
    mtime_s: float
    signature: str
    """Sizes and modification times: it changes when the file is written to."""
    is_folder: bool = False
    marked: bool = False
    """Declared complete: `name.wav.done` lies beside it."""
    copying: str | None = None
    """In a folder: the name of a file that is being copied into it."""
    obstacle: str | None = None
    """Of a folder: why it waits until files in it are moved."""
    fault: str | None = None
    """Why it can't be processed, where opening it failed."""

    @property
    def order(self) -> tuple[bool, float, str]:
        """Urgent ones first, then the oldest."""
        return not names.is_urgent(self.path), self.mtime_s, os.fspath(self.path)


@dataclass(frozen=True, slots=True)
class Refused:
    """A path that will never be taken though its name would allow it, and the reason."""

    path: Path
    reason: str


def scan(inbox: Path, group: Literal["file", "folder"] = "file") -> tuple[list[Candidate], list[Refused]]:
    """(candidates in the order in which to take them, refused paths) of the inbox.

    Links are not followed: what is taken is moved, and that must be the sound itself. Files that vanish meanwhile are
    left out. Raises OSError where the inbox itself can't be read.
    """
    found: list[Candidate] = []
    refused: list[Refused] = []
    for entry in _scan_folder(inbox, Path(), group, 0, first=True):
        (found if isinstance(entry, Candidate) else refused).append(entry)  # type: ignore[arg-type]
    return sorted(found, key=lambda c: c.order), refused


def is_stopped(inbox: Path) -> bool:
    """Whether the file STOP lies in the inbox."""
    return os.path.lexists(inbox / names.STOP)


def inspect_candidate(inbox: Path, path: Path, *, is_folder: bool) -> Candidate | None:
    """The present candidate at `path`; None where it is gone or no longer a file (a folder)."""
    try:
        entry = os.lstat(inbox / path)
        if is_folder:
            whole = folders.inspect(inbox, path) if stat.S_ISDIR(entry.st_mode) else None
            return _make_folder_candidate(path, whole) if whole and whole.parts else None
    except OSError:
        return None
    return _make_file_candidate(path, entry, False) if stat.S_ISREG(entry.st_mode) else None


def _scan_folder(
    inbox: Path, under: Path, group: str, depth: int, *, first: bool = False
) -> Iterator[Candidate | Refused]:
    try:
        with os.scandir(inbox / under) as listing:
            entries = {e.name: e for e in listing}
    except FileNotFoundError:
        if first:
            raise
        return
    except OSError as error:
        if first:
            raise
        yield Refused(under, f"can't be looked into ({error.strerror})")
        return
    for name, entry in entries.items():
        path = under / name
        try:
            if entry.is_symlink():
                if names.may_be_taken(name):
                    yield Refused(path, "a link; put the file itself here")
            elif entry.is_dir(follow_symlinks=False):
                if names.may_be_entered(name) and depth < DEEPEST:
                    yield from _scan_sub_folder(inbox, path, group, depth, entries)
            elif names.may_be_taken(name):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield _make_file_candidate(path, status, _has_marker(entries, name, status.st_mtime_ns))
                else:
                    yield Refused(path, "not a regular file; put the sound itself here")
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Refused(path, f"can't be looked at ({error.strerror})")


def _scan_sub_folder(
    inbox: Path, path: Path, group: str, depth: int, beside: dict[str, os.DirEntry[str]]
) -> Iterator[Candidate | Refused]:
    is_one = os.path.lexists(inbox / path / names.TOGETHER)
    if not is_one and (group != "folder" or path.name.casefold() == names.URGENT):
        yield from _scan_folder(inbox, path, group, depth + 1)
        return
    whole = folders.inspect(inbox, path)
    if not is_one and not whole.parts:  # a folder of folders, each a recording
        yield from _scan_folder(inbox, path, group, depth + 1)
    elif whole.parts or whole.obstacle:
        yield replace(
            _make_folder_candidate(path, whole), marked=_has_marker(beside, path.name, int(whole.changed_s * 1e9))
        )


def _make_folder_candidate(path: Path, whole: folders.Folder) -> Candidate:
    return Candidate(
        path,
        whole.size,
        whole.changed_s,
        whole.signature,
        is_folder=True,
        copying=whole.copying,
        obstacle=whole.obstacle,
    )


def _make_file_candidate(path: Path, status: os.stat_result, marked: bool) -> Candidate:
    return Candidate(path, status.st_size, status.st_mtime, f"{status.st_size}:{status.st_mtime_ns}", marked=marked)


def _has_marker(entries: dict[str, os.DirEntry[str]], name: str, changed_ns: int) -> bool:
    """Whether `name.done` lies there, no older than the last change (ns): an older one belongs to an earlier file."""
    marker = entries.get(name + names.MARKER)
    if marker is None or not marker.is_file(follow_symlinks=False):
        return False
    marked_ns = marker.stat(follow_symlinks=False).st_mtime_ns
    coarse = marked_ns % 1_000_000_000 == 0
    return marked_ns + (_COARSE_NS if coarse else 0) >= changed_ns
