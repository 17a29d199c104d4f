"""List a folder's recordings; encode their paths for Prefect; name recordings of several files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tasks.suffixes import is_recording


def list_recordings(folder: Path) -> list[Path]:
    """List the recordings directly in a folder, sorted by name, without hidden files and folders.

    Includes broken links and pipes, so that probing them reports an error.
    """
    return sorted(f for f in folder.iterdir() if is_recording(f.name) and not f.is_dir())


def encode_path(path: str) -> str:
    """Encode a path for Prefect: a path that is not valid UTF-8 becomes a file URL, any other is returned unchanged.

    >>> encode_path("/day/one.wav"), encode_path("/day/caf\\udce9.wav")
    ('/day/one.wav', 'file:///day/caf%E9.wav')
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return Path(os.path.abspath(path)).as_uri()
    return path


def decode_path(name: str) -> Path:
    """Decode the result of `encode_path`.

    >>> decode_path("/day/100%.wav").name, os.fsencode(decode_path("file:///day/caf%E9.wav").name)
    ('100%.wav', b'caf\\xe9.wav')
    """
    if name.startswith("file:///"):
        return Path(os.fsdecode(unquote_to_bytes(name.removeprefix("file://"))))
    return Path(name)


def name_recording(files: Sequence[str]) -> str:
    """Format the name of a recording of these files.

    >>> name_recording(["/day/a.wav"]), name_recording(["/day/a.wav", "/day/b.wav", "/day/c.wav"])
    ('a.wav', 'a.wav and 2 more')
    """
    return Path(files[0]).name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
