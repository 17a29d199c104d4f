"""File names in an inbox: names that are never taken, control files, urgent recordings, numbered names."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path, PurePath

from tasks.intake.service_folders import is_service_folder
from tasks.sidecars import SIDECAR, find_sidecars, fold, is_sidecar_of
from tasks.suffixes import is_recording

LEDGER = ".ledger.sqlite3"
CLAIMED = ".claimed"
STOP = "STOP"
"""A file of this name at the top of the inbox: nothing more is taken while it is there."""
TOGETHER = "_together"
"""A file of this name in a sub-folder: its recordings are one."""
MARKER = ".done"
URGENT = "urgent"
_WORDS = frozenset((STOP.casefold(), TOGETHER))
_MARKER = re.compile(r"\.done(\.txt)?$", re.IGNORECASE)
LONGEST = 255
"""Bytes that a file system allows a name."""

UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".opdownload", ".!ut")
"""Suffixes that copying programs give to incomplete files."""
_LITTER = frozenset((".ds_store", "thumbs.db", "desktop.ini"))


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
    return not (is_unfinished(name) or is_control(name) or name.casefold() in _LITTER)


def is_control(name: str) -> bool:
    """Whether a file of this name tells the folder-watch something, in any letter case, with and without `.txt`.

    >>> [is_control(n) for n in ("a.JSON", "Stop.txt", "_TOGETHER", "a.wav.Done", "done.wav", "a.txt")]
    [True, True, True, True, False, False]
    """
    folded = fold(name)
    return folded in _WORDS or folded.endswith((SIDECAR, MARKER))


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


def is_shared_sidecar(sidecar: str, name: str, beside: Collection[str]) -> bool:
    """Whether the sidecar belongs to another recording there, too.

    >>> is_shared_sidecar("a.json", "a.wav", {"a.wav", "a.mp3", "a.json"})
    True
    """
    others = [n for n in beside if n != name and may_be_taken(n) and is_sidecar_of(sidecar, [n])]
    return any(sidecar in find_sidecars(other, beside) for other in others)


def list_markers(names: Collection[str]) -> dict[str, list[str]]:
    """The markers among the names of a folder, by the name of the file that each vouches for, in lower case."""
    found: dict[str, list[str]] = {}
    for marker in sorted(n for n in names if fold(n).endswith(MARKER)):
        found.setdefault(fold(marker).removesuffix(MARKER), []).append(marker)
    return found


def find_marker(name: str, names: Collection[str], markers: dict[str, list[str]] | None = None) -> str | None:
    """The marker that vouches for the file `name`, among the `names` of its folder; `markers`: of `list_markers`.

    >>> there = {"a.wav", "A.wav", "A.wav.done", "b.wav", "B.WAV.DONE.txt"}
    >>> [find_marker(name, there) for name in ("A.wav", "a.wav", "b.wav")]
    ['A.wav.done', None, 'B.WAV.DONE.txt']
    """
    own = (list_markers(names) if markers is None else markers).get(name.casefold(), [])
    exact = [marker for marker in own if _MARKER.sub("", marker) == name]
    return next(iter(exact or [marker for marker in own if _MARKER.sub("", marker) not in names]), None)


def is_stop(name: str) -> bool:
    """Whether a file of this name at the top of the inbox means that nothing more is taken.

    >>> is_stop("STOP"), is_stop("Stop.txt"), is_stop("STOP.wav")
    (True, True, False)
    """
    return fold(name) == STOP.casefold()


def is_together(name: str) -> bool:
    """Whether a file of this name in a sub-folder makes its recordings one.

    >>> is_together("_together"), is_together("_TOGETHER.txt")
    (True, True)
    """
    return fold(name) == TOGETHER


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
