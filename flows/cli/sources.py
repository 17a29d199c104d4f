"""Which recordings a command line means."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from flows.cli.terminal import plain
from tasks.errors import DaylongError, UnreadableAudio, UsageError

SUFFIXES = frozenset(
    [
        ".aac",
        ".ac3",
        ".aif",
        ".aiff",
        ".amr",
        ".ape",
        ".au",
        ".avi",
        ".caf",
        ".dss",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpga",
        ".oga",
        ".ogg",
        ".opus",
        ".ra",
        ".spx",
        ".tta",
        ".w64",
        ".wav",
        ".webm",
        ".wma",
        ".wmv",
        ".wv",
        ".3gp",
    ]
)
"""What is taken for a recording in a folder. A file that is named itself is tried whatever it is called."""


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


def _of(name: str) -> list[str]:
    path = Path(name)
    try:
        if not path.is_dir():
            if not path.exists():
                raise UnreadableAudio(f"{plain(name)}: no such file or folder. Check the name.")
            return [name]
        files = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.name[0] != "." and f.is_file())
    except (OSError, ValueError) as error:
        raise UnreadableAudio(f"{plain(name)}: cannot be read: {plain(error)}.") from error
    if not files:
        raise UsageError(f"{plain(name)}: a folder without recordings (its own folders are not searched).")
    return [str(f) for f in files]
