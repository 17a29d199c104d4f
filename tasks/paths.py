"""Paths in messages: as one line, and, where one leads nowhere, what somebody may have meant."""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.text import escape_unprintable

MAX_NAMES = 10_000
"""Of a folder's names, so many are looked at."""
_origins: dict[Path, Path] = {}
"""Folders in which files lie for now -> where they came from."""


def format_path(path: Path | str) -> str:
    """A path fit for one line of a message, whatever its name holds.

    >>> format_path("a\\nb.wav")
    'a\\\\nb.wav'
    """
    text = escape_unprintable(str(path))
    return text if len(text) <= 300 else "…" + text[-299:]


@contextmanager
def show_folder_as(folder: Path, name: Path) -> Iterator[None]:
    """During the `with` block `format_origin` shows what lies in `folder` as if it lay in `name`: files are moved for
    the time of their processing, and people know them by where they were."""
    _origins[folder] = name
    try:
        yield
    finally:
        _origins.pop(folder, None)


def format_origin(path: Path) -> str:
    """`format_path` of where a file came from.

    >>> with show_folder_as(Path("/inbox/.claimed/0123"), Path("monday")):
    ...     format_origin(Path("/inbox/.claimed/0123/a.json")), format_origin(Path("/other/a.json"))
    ('monday/a.json', '/other/a.json')
    """
    for folder, name in list(_origins.items()):
        if path.is_relative_to(folder):
            return format_path(name / path.relative_to(folder))
    return format_path(path)


def suggest_path(path: Path | str) -> str:
    """A sentence that tells which part of `path` is wrong, and the nearest name that is there, if one is near.

    Never raises: where folders can't be read it says no more than to check the name.
    """
    whole = Path(os.path.abspath(path))
    for missing in (whole, *whole.parents):
        try:
            if not missing.parent.is_dir():
                continue
            near = _find_nearest_name(missing.name, missing.parent, folders=missing != whole)
        except (OSError, ValueError):
            break
        if near is not None:
            return f"Is it {format_path(missing.parent / near)}?"
        if missing != whole:
            return f"There is no folder {format_path(missing)}. Check the path."
        break
    return "Check the name."


def _find_nearest_name(name: str, folder: Path, *, folders: bool) -> str | None:
    """Find the name in `folder` closest to `name`: another letter case or extension, or a typo."""
    with os.scandir(folder) as entries:
        found = {e.name.casefold(): e.name for e in itertools.islice(entries, MAX_NAMES) if e.is_dir() or not folders}
    wanted = name.casefold()
    same_stem = [n for n in sorted(found) if not folders and Path(n).stem == Path(wanted).stem]
    near = same_stem or difflib.get_close_matches(wanted, found, n=1, cutoff=0.75)
    return found[near[0]] if near else None
