"""The recordings in a folder, and what several files are called together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tasks.suffixes import is_recording


def recordings_in(folder: Path) -> list[Path]:
    """A folder's own recordings, sorted by name; hidden files and folders below it are left out.

    A link to nowhere or a pipe is among them: whoever put it there is told that it is none.
    """
    return sorted(f for f in folder.iterdir() if is_recording(f.name) and not f.is_dir())


def carried(path: str) -> str:
    """A path as Prefect can keep it: one whose bytes are no UTF-8 as a file URL, every other as it is.

    >>> carried("/day/one.wav"), carried("/day/caf\\udce9.wav")
    ('/day/one.wav', 'file:///day/caf%E9.wav')
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return Path(os.path.abspath(path)).as_uri()
    return path


def path_of(name: str) -> Path:
    """The path that `carried` wrote.

    >>> path_of("/day/100%.wav").name, os.fsencode(path_of("file:///day/caf%E9.wav").name)
    ('100%.wav', b'caf\\xe9.wav')
    """
    if name.startswith("file:///"):
        return Path(os.fsdecode(unquote_to_bytes(name.removeprefix("file://"))))
    return Path(name)


def called(files: Sequence[str]) -> str:
    """A name for a recording of these files.

    >>> called(["/day/a.wav"]), called(["/day/a.wav", "/day/b.wav", "/day/c.wav"])
    ('a.wav', 'a.wav and 2 more')
    """
    return Path(files[0]).name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
