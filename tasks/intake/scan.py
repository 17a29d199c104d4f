"""What lies in an inbox now: recordings of one file, folders that are one recording, and what can't be taken."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tasks.intake import folders, names

DEEPEST = 16
"""Folders within folders that are looked into."""
_COARSE_NS = 2_000_000_000
"""Some file systems tell times in steps of so long."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a recording. Paths are relative to the inbox."""

    path: Path
    size: int
    mtime_s: float
    signature: str
    """Sizes and times of last change: another one means that somebody has written."""
    is_folder: bool = False
    marked: bool = False
    """Whoever put it there says that it is whole: `name.wav.done` lies beside it."""
    copying: str | None = None
    """In a folder: the name of a file that is being copied into it."""
    obstacle: str | None = None
    """Of a folder: why it waits, until somebody has moved something."""
    fault: str | None = None
    """Why it can't be processed, as was found by opening it."""

    @property
    def order(self) -> tuple[bool, float, str]:
        """Urgent ones first, then the oldest."""
        return not names.is_urgent(self.path), self.mtime_s, os.fspath(self.path)


@dataclass(frozen=True, slots=True)
class Refused:
    """What will never be taken though its name says nothing against it, and why."""

    path: Path
    reason: str


def scan(inbox: Path, group: Literal["file", "folder"] = "file") -> tuple[list[Candidate], list[Refused]]:
    """Everything in the inbox that may be a recording, in the order in which it is to be taken; and what is not.

    Links are not followed: what is taken is moved, and that must be the sound itself. Files that go while we look
    are left away. Raises OSError where the inbox itself can't be read.
    """
    found: list[Candidate] = []
    refused: list[Refused] = []
    for entry in _in(inbox, Path(), group, 0, first=True):
        (found if isinstance(entry, Candidate) else refused).append(entry)  # type: ignore[arg-type]
    return sorted(found, key=lambda c: c.order), refused


def is_stopped(inbox: Path) -> bool:
    """Whether somebody has put the file STOP into the inbox."""
    return os.path.lexists(inbox / names.STOP)


def look(inbox: Path, path: Path, *, is_folder: bool) -> Candidate | None:
    """The one candidate at `path`, as it is now; None where it is gone, or no longer what it was."""
    try:
        entry = os.lstat(inbox / path)
        if is_folder:
            whole = folders.seen(inbox, path) if stat.S_ISDIR(entry.st_mode) else None
            return _folder(path, whole) if whole and whole.parts else None
    except OSError:
        return None
    return _file(path, entry, False) if stat.S_ISREG(entry.st_mode) else None


def _in(inbox: Path, under: Path, group: str, depth: int, *, first: bool = False) -> Iterator[Candidate | Refused]:
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
                    yield from _sub_folder(inbox, path, group, depth, entries)
            elif names.may_be_taken(name):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield _file(path, status, _marked(entries, name, status.st_mtime_ns))
                else:
                    yield Refused(path, "not a regular file; put the sound itself here")
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Refused(path, f"can't be looked at ({error.strerror})")


def _sub_folder(
    inbox: Path, path: Path, group: str, depth: int, beside: dict[str, os.DirEntry[str]]
) -> Iterator[Candidate | Refused]:
    is_one = os.path.lexists(inbox / path / names.TOGETHER)
    if not is_one and (group != "folder" or path.name.casefold() == names.URGENT):
        yield from _in(inbox, path, group, depth + 1)
        return
    whole = folders.seen(inbox, path)
    if not is_one and not whole.parts:  # a folder of folders, each a recording
        yield from _in(inbox, path, group, depth + 1)
    elif whole.parts or whole.obstacle:
        yield replace(_folder(path, whole), marked=_marked(beside, path.name, int(whole.changed_s * 1e9)))


def _folder(path: Path, whole: folders.Folder) -> Candidate:
    return Candidate(
        path,
        whole.size,
        whole.changed_s,
        whole.signature,
        is_folder=True,
        copying=whole.copying,
        obstacle=whole.obstacle,
    )


def _file(path: Path, status: os.stat_result, marked: bool) -> Candidate:
    return Candidate(path, status.st_size, status.st_mtime, f"{status.st_size}:{status.st_mtime_ns}", marked=marked)


def _marked(entries: dict[str, os.DirEntry[str]], name: str, changed_ns: int) -> bool:
    """Whether `name.done` lies there, and is no older than the last change: else it was left by another file."""
    marker = entries.get(name + names.MARKER)
    if marker is None or not marker.is_file(follow_symlinks=False):
        return False
    marked_ns = marker.stat(follow_symlinks=False).st_mtime_ns
    coarse = marked_ns % 1_000_000_000 == 0
    return marked_ns + (_COARSE_NS if coarse else 0) >= changed_ns
