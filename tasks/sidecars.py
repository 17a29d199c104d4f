"""Sidecars: JSON files beside a recording, found by their names, in any letter case.

`a.wav.json` belongs to a.wav alone, `a.json` to every recording called a, and to a folder a that is one recording.
Explorer hides endings, so that a.json made with it is a.json.txt.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath

SIDECAR = ".json"
_HIDDEN_ENDING = ".txt"
_ENDING = re.compile(r"\.json(\.txt)?$", re.IGNORECASE)


def fold(name: str) -> str:
    """A control file's name in one letter case, without the ending that Explorer hides and adds.

    >>> fold("STOP.txt"), fold("A.JSON"), fold("_Together.TXT")
    ('stop', 'a.json', '_together')
    """
    return name.casefold().removesuffix(_HIDDEN_ENDING)


def is_sidecar(name: str) -> bool:
    """Whether a file of this name may be a sidecar.

    >>> is_sidecar("a.JSON"), is_sidecar("a.json.txt"), is_sidecar("a.wav")
    (True, True, False)
    """
    return fold(name).endswith(SIDECAR)


def own_sidecars(name: str, *, is_folder: bool = False) -> list[str]:
    """The usual names of the sidecars that the recording called `name` may have.

    >>> own_sidecars("a.wav"), own_sidecars("26.03.01", is_folder=True)
    (['a.wav.json', 'a.json'], ['26.03.01.json'])
    """
    own = [f"{name}{SIDECAR}", *([] if is_folder else [f"{PurePath(name).stem}{SIDECAR}"])]
    return list(dict.fromkeys(own))


class SidecarIndex:
    """The sidecars among the names of a folder, for many recordings in it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._spelled: dict[str, list[str]] = {}
        for each in sorted(filter(is_sidecar, self._names)):
            self._spelled.setdefault(fold(each), []).append(each)
        self._owners: dict[str, set[str]] = {}
        """The recordings that have a sidecar of this name, as it is usually spelled."""
        for name in self._names if self._spelled else ():
            for usual in () if is_sidecar(name) else own_sidecars(name):
                self._owners.setdefault(usual, set()).add(name)

    def find(self, name: str, *, is_folder: bool = False) -> list[str]:
        """The sidecars of the recording `name`; see `find_sidecars`."""
        found: list[str] = []
        for usual in own_sidecars(name, is_folder=is_folder) if self._spelled else ():
            spellings = self._spelled.get(usual.casefold(), [])
            free = [each for each in spellings if not self._owners.get(each, set()) - {name} and each not in found]
            found += [usual] if usual in spellings else free[:1]
        return found


def find_sidecars(name: str, beside: Collection[str], *, is_folder: bool = False) -> list[str]:
    """Those that are beside it, at most one of each of `own_sidecars`, however they are spelled.

    One in the usual spelling is taken first; another one is none of it where it is another recording's in that.

    >>> find_sidecars("a.wav", {"a.wav", "a.json", "A.WAV.JSON", "b.json"})
    ['A.WAV.JSON', 'a.json']
    >>> find_sidecars("a.wav", {"a.wav", "A.wav", "A.json"})
    []
    """
    return SidecarIndex(beside).find(name, is_folder=is_folder)


def locate_sidecars(path: Path, *, is_folder: bool = False) -> list[Path]:
    """The paths of a recording's sidecars, the best first."""
    return [path.with_name(name) for name in find_sidecars(path.name, list_names(path.parent), is_folder=is_folder)]


def list_names(folder: Path) -> set[str]:
    """The names in a folder; none where it can't be read."""
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def is_sidecar_of(sidecar: str, names: Iterable[str]) -> bool:
    """Whether one of these files, or a folder, may have a sidecar of this name, in any letter case.

    >>> is_sidecar_of("A.JSON", ["b.wav", "a.wav"]), is_sidecar_of("a.json", ["b.wav"])
    (True, False)
    """
    bare = fold(sidecar).removesuffix(SIDECAR)
    return any(bare in (name.casefold(), PurePath(name).stem.casefold()) for name in names)


def rename_sidecar(sidecar: str, original: str, name: str) -> str:
    """The new name of a sidecar of a recording that was renamed from `original` to `name`.

    >>> rename_sidecar("a.json", "a.wav", "a (2).wav"), rename_sidecar("a.wav.JSON", "a.wav", "a (2).wav")
    ('a (2).json', 'a (2).wav.JSON')
    """
    ending = _ENDING.search(sidecar)
    if ending is None or name == original:
        return sidecar
    whole = fold(sidecar) == f"{original.casefold()}{SIDECAR}"
    return f"{name if whole else PurePath(name).stem}{ending[0]}"
