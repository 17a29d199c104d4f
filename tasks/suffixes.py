"""Which files of a folder are its recordings, by their names' ends: one rule for a folder that is named and for one
that lies in the inbox."""

from __future__ import annotations

from pathlib import PurePath

_KNOWN = """.aac .ac3 .aif .aiff .amr .ape .au .avi .caf .dss .flac .m4a .m4b .mka .mkv .mov .mp2 .mp3 .mp4 .mpeg
.mpga .oga .ogg .opus .ra .spx .tta .w64 .wav .webm .wma .wmv .wv .3gp"""
SUFFIXES = frozenset(_KNOWN.split())
"""What is taken for a recording in a folder. A file that is named itself is tried whatever it is called."""


def is_recording(name: str) -> bool:
    """Whether a folder's file of this name is taken for a recording.

    >>> [is_recording(n) for n in ("a.WAV", "notes.txt", ".a.wav", "wav")]
    [True, False, False, False]
    """
    return PurePath(name).suffix.lower() in SUFFIXES and not name.startswith(".")
