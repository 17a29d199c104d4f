"""File names in an inbox: names that are never taken, sidecars, markers, urgent recordings, numbered names."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path, PurePath

from tasks.intake.service_folders import is_service_folder
from tasks.suffixes import is_recording

LEDGER = ".ledger.sqlite3"
CLAIMED = ".claimed"
STOP = "STOP"
"""A file of this name at the top of the inbox: nothing more is taken while it is there."""
TOGETHER = "_together"
"""A file of this name in a sub-folder: its recordings are one."""
MARKER = ".done"
URGENT = "urgent"
LONGEST = 255
"""Bytes that a file system allows a name."""

UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".opdownload", ".!ut")
"""Suffixes that copying programs give to incomplete files."""
_OTHERS = (MARKER, ".json")
_LITTER = frozenset((".ds_store", "thumbs.db", "desktop.ini"))
_NEVER = _LITTER | {STOP.casefold(), TOGETHER}


def is_unfinished(name: str) -> bool:
    """Whether a copy is under way into a file of this name.

    >>> is_unfinished("day.wav.part"), is_unfinished(".day.wav.Xy12ab"), is_unfinished("day.wav")
    (True, True, False)
    """
    return name.casefold().endswith(UNFINISHED) or name.startswith((".", "~$"))


def may_be_taken(name: str) -> bool:
    """Whether a file of this name is ever a recording.

    >>> [may_be_taken(n) for n in ("a.wav", "a.WAV.Part", ".a.wav", "Thumbs.db", "a.json", "a.wav.done", "STOP")]
    [True, False, False, False, False, False, False]
    """
    folded = name.casefold()
    return not (is_unfinished(name) or folded in _NEVER or folded.endswith(_OTHERS))


def is_part(name: str) -> bool:
    """Whether a file of this name is of the recording, in a folder that is one.

    >>> [is_part(n) for n in ("1.wav", "1.wav.part", "~$1.wav", "notes.txt", "_together")]
    [True, False, False, False, False]
    """
    return may_be_taken(name) and is_recording(name)


def is_litter(name: str) -> bool:
    """Whether a file of this name is what systems leave in folders by themselves.

    >>> is_litter(".DS_Store"), is_litter("._a.wav"), is_litter(".a.wav.Xy12ab")
    (True, True, False)
    """
    return name.casefold() in _LITTER or name.startswith("._")


def may_be_entered(name: str) -> bool:
    """Whether a folder of this name is looked into.

    >>> may_be_entered("monday"), may_be_entered("@eaDir"), may_be_entered(".claimed")
    (True, False, False)
    """
    return not (name.startswith(".") or is_service_folder(name))


def own_sidecars(name: str, *, is_folder: bool = False) -> list[str]:
    """The names of the JSON sidecars that the recording called `name` may have.

    `a.wav.json` belongs to a.wav alone, `a.json` to every recording called a, and to a folder a that is one.

    >>> own_sidecars("a.wav"), own_sidecars("26.03.01", is_folder=True)
    (['a.wav.json', 'a.json'], ['26.03.01.json'])
    """
    return [f"{name}.json", *([] if is_folder else [f"{PurePath(name).stem}.json"])]


def sidecars(name: str, beside: Collection[str], *, is_folder: bool = False) -> list[str]:
    """Those of `own_sidecars` that are beside it.

    >>> sidecars("a.wav", {"a.wav", "a.json", "a.wav.json", "b.json"})
    ['a.wav.json', 'a.json']
    """
    return [own for own in dict.fromkeys(own_sidecars(name, is_folder=is_folder)) if own in beside]


def sidecar_of(name: str, sidecar: str, original: str) -> str:
    """The new name of a sidecar of a recording that was renamed from `original` to `name`.

    >>> sidecar_of("a (2).wav", "a.json", "a.wav"), sidecar_of("a (2).wav", "a.wav.json", "a.wav")
    ('a (2).json', 'a (2).wav.json')
    """
    return f"{name}.json" if sidecar == f"{original}.json" else f"{PurePath(name).stem}.json"


def is_shared_sidecar(sidecar: str, name: str, beside: Collection[str]) -> bool:
    """Whether the sidecar belongs to another recording there, too.

    >>> is_shared_sidecar("a.json", "a.wav", {"a.wav", "a.mp3", "a.json"})
    True
    """
    stem = PurePath(sidecar).stem
    return any(n != name and may_be_taken(n) and PurePath(n).stem == stem for n in beside)


def is_urgent(relative: PurePath) -> bool:
    """Whether a recording lies in a folder called urgent, and so goes before the others.

    >>> is_urgent(PurePath("urgent/a.wav")), is_urgent(PurePath("a.wav"))
    (True, False)
    """
    return any(part.casefold() == URGENT for part in relative.parts[:-1])


def add_number(name: str, number: int) -> str:
    """`name` with a number before its suffix, at most `LONGEST` bytes; 1 is the name itself.

    >>> add_number("a.tar.wav", 1), add_number("a.tar.wav", 2), add_number("monday", 3)
    ('a.tar.wav', 'a.tar (2).wav', 'monday (3)')
    """
    if number == 1:
        return name
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    while stem and len(os.fsencode(tried := f"{stem} ({number}){suffix}")) > LONGEST:
        stem = stem[:-1]
    return tried


def format_path(path: Path | str) -> str:
    """A path as valid UTF-8 text; bytes that are none are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
