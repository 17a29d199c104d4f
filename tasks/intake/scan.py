"""List an inbox: recordings of one file, folders that are one recording, files that can't be taken, leftovers."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tasks.intake import folders, names
from tasks.intake.leftovers import describe_leftovers
from tasks.sidecars import list_names

DEEPEST = 16
"""Depth of nested folders that are listed."""
MOST_DEEP = 100
"""Files in deeper ones that are told by name."""
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
class Leftover:
    """A file that means nothing where it lies, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A path that will never be taken though its name would allow it, and the reason."""

    path: Path
    reason: str


def scan(
    inbox: Path, group: Literal["file", "folder"] = "file"
) -> tuple[list[Candidate], list[Refused], list[Leftover]]:
    """(candidates in the order in which to take them, refused paths, leftovers) of the inbox.

    Links are not followed: what is taken is moved, and that must be the sound itself. Files that vanish meanwhile are
    left out. Raises OSError where the inbox itself can't be read.
    """
    found, refused, leftovers = list[Candidate](), list[Refused](), list[Leftover]()
    for entry in _scan_folder(inbox, Path(), group, 0, first=True):
        if isinstance(entry, Candidate):
            found.append(entry)
        elif isinstance(entry, Refused):
            refused.append(entry)
        else:
            leftovers.append(entry)
    return sorted(found, key=lambda c: c.order), refused, leftovers


def find_stop(inbox: Path) -> str | None:
    """The name of the file STOP in the inbox, as it is spelled; None where there is none."""
    found = sorted(filter(names.is_stop, list_names(inbox)))
    # A folder of such a name may well be a recording's, unless it is spelled so.
    return next((name for name in found if name == names.STOP or not os.path.isdir(inbox / name)), None)


def is_stopped(inbox: Path) -> bool:
    """Whether the file STOP lies in the inbox, in whatever letter case."""
    return find_stop(inbox) is not None


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
) -> Iterator[Candidate | Refused | Leftover]:
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
    markers = names.list_markers(entries)
    inner = {name for name, entry in entries.items() if _is_folder(entry)}
    lines = describe_leftovers(entries.keys() - inner, inner, at_top=first)
    yield from (Leftover(under / name, reason) for name, reason in lines)
    for name, entry in entries.items():
        path = under / name
        try:
            if entry.is_symlink():
                if names.may_be_taken(name):
                    yield Refused(path, "a link; put the file itself here")
                elif names.is_control(name) and not (first and names.is_stop(name)):
                    yield Leftover(path, "a link; put the file itself here")
            elif entry.is_dir(follow_symlinks=False):
                if not names.may_be_entered(name):
                    continue
                if depth < DEEPEST:
                    marked = _is_marked(entries, name, markers)
                    yield from _scan_sub_folder(inbox, path, group, depth, marked)
                else:
                    yield from _refuse_deep_files(inbox, path)
            elif names.may_be_taken(name):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    marked = _is_marked(entries, name, markers)
                    yield _make_file_candidate(path, status, marked(status.st_mtime_ns))
                else:
                    yield Refused(path, "not a regular file; put the sound itself here")
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Refused(path, f"can't be looked at ({error.strerror})")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _refuse_deep_files(inbox: Path, under: Path) -> Iterator[Refused]:
    """The recordings of a folder that lies too deep, at most `MOST_DEEP` of them."""
    reason = f"lies more than {DEEPEST} folders deep; move it up"
    deep: list[Path] = []
    for folder, inner, found in os.walk(inbox / under):
        inner[:] = filter(names.may_be_entered, inner)
        deep += [Path(folder, name).relative_to(inbox) for name in sorted(filter(names.may_be_taken, found))]
        if len(deep) > MOST_DEEP:
            deep[MOST_DEEP:] = [under]  # and more
            break
    yield from (Refused(path, reason) for path in deep)


def _scan_sub_folder(
    inbox: Path, path: Path, group: str, depth: int, marked: Callable[[int], bool]
) -> Iterator[Candidate | Refused | Leftover]:
    together = next(filter(names.is_together, sorted(list_names(inbox / path))), None)
    if together is None and (group != "folder" or path.name.casefold() == names.URGENT):
        yield from _scan_folder(inbox, path, group, depth + 1)
        return
    whole = folders.inspect(inbox, path)
    if together is None and not whole.parts:  # a folder of folders, each a recording
        yield from _scan_folder(inbox, path, group, depth + 1)
    elif whole.parts or whole.obstacle:
        yield replace(_make_folder_candidate(path, whole), marked=marked(int(whole.changed_s * 1e9)))
    elif together is not None:
        yield Leftover(path / together, "no recordings are in its folder yet")


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


def _is_marked(
    entries: dict[str, os.DirEntry[str]], name: str, markers: dict[str, list[str]]
) -> Callable[[int], bool]:
    """Whether `name.done` lies there, no older than the last change (ns): an older one belongs to an earlier file."""
    found = names.find_marker(name, entries, markers)
    marker = entries[found] if found else None
    if marker is None or not marker.is_file(follow_symlinks=False):
        return lambda _: False
    marked_ns = marker.stat(follow_symlinks=False).st_mtime_ns
    coarse = marked_ns % 1_000_000_000 == 0
    return lambda changed_ns: marked_ns + (_COARSE_NS if coarse else 0) >= changed_ns
