"""Files of an inbox that mean nothing where they lie: each gets a reason, for `daylong inbox status`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePath

from tasks.intake import names
from tasks.sidecars import fold, is_sidecar, is_sidecar_of
from tasks.suffixes import is_recording

LONE_SIDECAR = (
    "a sidecar, and no recording of its name is here: it is read with one that comes. For one that was processed "
    "already, put both here again"
)
LONE_MARKER = "it says that a file is complete, and no file of its name is here"
STOP_BELOW = "it stops nothing here: put it at the top of the inbox"
TOGETHER_AT_TOP = "it joins nothing here: put it into a folder of the inbox"
HIDDEN = "hidden, as its name begins with a dot: rename it"
COPYING = "by the end of its name it is being copied: rename it once it is complete"


def describe_leftovers(
    files: Collection[str], folders: Collection[str], *, at_top: bool
) -> Iterator[tuple[str, str]]:
    """(name, why it means nothing) of the `files` of a folder, in which `folders` lie; `at_top`: it is the inbox.

    >>> list(describe_leftovers(["a.wav", "a.JSON", "m.json.txt", "_together"], ["m"], at_top=True))[0]
    ('_together', 'it joins nothing here: put it into a folder of the inbox')
    """
    owners = [*folders, *(name for name in map(_drop_unfinished, files) if names.may_be_taken(name))]
    owned = {each for name in owners for each in (name.casefold(), PurePath(name).stem.casefold())}
    for name in sorted(files):
        bare = fold(name)
        if names.is_litter(name):
            continue
        if name.startswith("."):
            if is_recording(name[1:]) and not name.startswith(names.LEDGER):
                yield name, HIDDEN
        elif names.is_unfinished(name):
            yield name, COPYING
        elif names.is_stop(name):
            if not at_top:
                yield name, STOP_BELOW
        elif names.is_together(name):
            if at_top:
                yield name, TOGETHER_AT_TOP
        elif is_sidecar(name):
            if bare.removesuffix(".json") not in owned:
                yield name, LONE_SIDECAR
        elif bare.endswith(names.MARKER) and bare.removesuffix(names.MARKER) not in owned:
            yield name, LONE_MARKER


def is_of_claimed(name: PurePath, claimed: Collection[PurePath]) -> bool:
    """Whether a control file (path relative to the inbox) is that of a recording which is being processed."""
    beside = [path.name for path in claimed if path.parent == name.parent]
    return is_sidecar(name.name) and is_sidecar_of(name.name, beside)


def _drop_unfinished(name: str) -> str:
    """The name that a copy under way will have."""
    ending = next((end for end in names.UNFINISHED if name.casefold().endswith(end)), "")
    return name[: len(name) - len(ending)]
