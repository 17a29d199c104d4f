"""Which recordings a command line means."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from flows.cli.terminal import plain
from tasks.audio.folder import list_recordings
from tasks.errors import DaylongError, UnreadableAudio, UsageError
from tasks.paths import suggest_path


def recordings(names: Iterable[str]) -> tuple[list[str], list[DaylongError]]:
    """Absolute paths of the recordings, each once, and an error for each name that gives none.

    A folder stands for its own recordings, sorted by name; hidden files and folders below it are left out.
    """
    found: dict[str, None] = {}
    errors: list[DaylongError] = []
    for name in names:
        try:
            found |= dict.fromkeys(map(os.path.abspath, _of(name)))
        except DaylongError as error:
            errors.append(error)
    return list(found), errors


def single(names: Iterable[str]) -> tuple[list[tuple[str, ...]], list[DaylongError]]:
    """`recordings`, each of one file."""
    found, errors = recordings(names)
    return [(path,) for path in found], errors


def taken_together(names: Iterable[str]) -> tuple[list[tuple[str, ...]], list[DaylongError]]:
    """The files of each recording where several make up one: a folder's are one, all files that are named another.

    Files of which one can't be found give an error and no recording: it would lack a part of the day.
    """
    groups: list[tuple[str, ...]] = []
    errors: list[DaylongError] = []
    named = []
    for name in names:
        if not os.path.isdir(name):
            named.append(name)
            continue
        found, wrong = recordings([name])
        errors += wrong
        groups += [tuple(found)] if found else []
    found, wrong = recordings(named)
    errors += wrong
    if found and not wrong:
        groups.append(tuple(found))
    return list(dict.fromkeys(groups)), errors


def _of(name: str) -> list[str]:
    path = Path(name)
    try:
        if not path.is_dir():
            if not path.exists() and not path.is_symlink():
                raise UnreadableAudio(f"{plain(name)}: no such file or folder. {suggest_path(name)}")
            return [name]
        files = list_recordings(path)
    except (OSError, ValueError) as error:
        raise UnreadableAudio(f"{plain(name)}: cannot be read: {plain(error)}.") from error
    if not files:
        raise UsageError(f"{plain(name)}: a folder without recordings (its own folders are not searched).")
    return [str(f) for f in files]
