"""The recordings in a folder, and what several files are called together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_KNOWN = """.aac .ac3 .aif .aiff .amr .ape .au .avi .caf .dss .flac .m4a .m4b .mka .mkv .mov .mp2 .mp3 .mp4 .mpeg
.mpga .oga .ogg .opus .ra .spx .tta .w64 .wav .webm .wma .wmv .wv .3gp"""
SUFFIXES = frozenset(_KNOWN.split())
"""What is taken for a recording in a folder. A file that is named itself is tried whatever it is called."""


def recordings_in(folder: Path) -> list[Path]:
    """A folder's own recordings, sorted by name; hidden files and folders below it are left out.

    A link to nowhere or a pipe is among them: whoever put it there is told that it is none.
    """
    named = (f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.name[0] != ".")
    return sorted(f for f in named if not f.is_dir())


def called(files: Sequence[str]) -> str:
    """A name for a recording of these files.

    >>> called(["/day/a.wav"]), called(["/day/a.wav", "/day/b.wav", "/day/c.wav"])
    ('a.wav', 'a.wav and 2 more')
    """
    return Path(files[0]).name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
