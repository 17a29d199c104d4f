"""Dates that programs put into the names of copies: when versions met, when something was downloaded or backed up.

They say nothing of when a recording began, and are removed before a name is read for that.
"""

from __future__ import annotations

import re

_DAY, _TIME = r"\d{4}-\d\d-\d\d", r"\d\d-?\d\d-?\d\d"
_CONFLICT = "(?:conflict|konflikt|conflit|конфликт|конфлікт|競合|冲突|衝突|충돌)"
_INSIDE = r"(?:[^()]|\([^()]*\))*"
"""Text in parentheses, with parentheses in it."""

STAMPS: dict[str, str] = {
    # (Anna's conflicted copy 2026-03-02), (conflicted copy 2026-03-02 101500), (SFConflict a@b.c 2026-03-02-10-15-00)
    "Dropbox, Nextcloud, Seafile, Box, Tresorit, Unison": rf"\({_INSIDE}{_CONFLICT}{_INSIDE}\)",
    "the same in square brackets": rf"\[[^][]*{_CONFLICT}[^][]*\]",
    "the same without any": rf"conflicted[ _]copy[ _]{_DAY}(?:[ _-]{_TIME})?",
    "Syncthing: conflicts": r"[.~]sync-conflict-\d{8}-\d{6}(?:-[0-9a-z]{7})?",
    "Syncthing: older versions": r"~\d{8}-\d{6}(?=$|\.)",
    "ownCloud": r"[_.]conflict-\d{8}-\d{6}",
    "Synology Drive": r"_[a-z]{3}-\d\d-\d{4,6}-\d{4}_conflict",
    "Chromium, after a hundred downloads of one name": rf" - {_DAY}t\d{{6}}(?:\.\d{{3}})?z?$",
    "Google Drive and Takeout": r"^(?:takeout|drive-download)-\d{8}t\d{6}z(?:-\d+)*",
    "WeTransfer": rf"(?<=^wetransfer).*?_{_DAY}_\d{{4}}(?!\d)",
    "Windows: file history": r" \(\d{4}_\d\d_\d\d \d\d_\d\d_\d\d utc\)",
    "FreeFileSync: older versions": rf"(?<=\.)[a-z0-9]{{2,5}} {_DAY} \d{{6}}$",
}  # fmt: skip
"""Which program -> the form of what it adds, in any letter case."""
_STAMP = re.compile("|".join(STAMPS.values()), re.IGNORECASE)


def remove_copy_stamps(stem: str) -> str:
    """A file's name without the dates that programs add to copies.

    >>> remove_copy_stamps("interview.sync-conflict-20260302-101500-ABCDEFG").strip()
    'interview'
    >>> remove_copy_stamps("desk 2026-03-01 09.15 (Anna's conflicted copy 2026-03-02)").strip()
    'desk 2026-03-01 09.15'
    """
    return _STAMP.sub(" ", stem)
