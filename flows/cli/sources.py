"""Find the recordings that a command line names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from flows.cli.terminal import escape
from tasks.audio.folder import list_recordings
from tasks.errors import DaylongError, UnreadableAudio, UsageError
from tasks.paths import suggest_path
from tasks.sharing.sources import is_in_bucket, list_sources


def find_recordings(names: Iterable[str]) -> tuple[list[str], list[DaylongError]]:
    """Find the absolute paths of the recordings, each once, and an error for each name without one.

    A folder stands for its own recordings, sorted by name; hidden files and folders below it are left out.
    """
    found: dict[str, None] = {}
    errors: list[DaylongError] = []
    for name in names:
        try:
            if is_in_bucket(name):
                found |= dict.fromkeys(list_sources(name))
                continue
            found |= dict.fromkeys(map(os.path.abspath, _list_files(name)))
        except DaylongError as error:
            errors.append(error)
    return list(found), errors


def find_single_recordings(names: Iterable[str]) -> tuple[list[tuple[str, ...]], list[DaylongError]]:
    """Find recordings as `find_recordings` does, each of one file."""
    found, errors = find_recordings(names)
    return [(path,) for path in found], errors


def group_recordings(names: Iterable[str]) -> tuple[list[tuple[str, ...]], list[DaylongError]]:
    """Group files into recordings: each folder's files are one, all files named by themselves another.

    If one of a recording's files can't be found, it is an error and no recording: a part would be missing.
    """
    groups: list[tuple[str, ...]] = []
    errors: list[DaylongError] = []
    named = []
    for name in names:
        if not os.path.isdir(name):
            named.append(name)
            continue
        found, failed = find_recordings([name])
        errors += failed
        groups += [tuple(found)] if found else []
    found, failed = find_recordings(named)
    errors += failed
    if found and not failed:
        groups.append(tuple(found))
    return list(dict.fromkeys(groups)), errors


def _list_files(name: str) -> list[str]:
    path = Path(name)
    try:
        if not path.is_dir():
            if not path.exists() and not path.is_symlink():
                raise UnreadableAudio(f"{escape(name)}: no such file or folder. {suggest_path(name)}")
            return [name]
        files = list_recordings(path)
    except (OSError, ValueError) as error:
        raise UnreadableAudio(f"{escape(name)}: cannot be read: {escape(error)}.") from error
    if not files:
        raise UsageError(f"{escape(name)}: a folder without recordings (its own folders are not searched).")
    return [str(f) for f in files]
