"""Recordings that stay where they are when they are done (`inbox.after = keep`): by what they are known again.

A scan must not read what it has processed, day after day: file system, number, size and times tell enough. Where any
of them has changed, the content is looked at, and its digest tells whether there is anything to do.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tasks.intake import names


def fingerprint(inbox: Path, path: Path, signature: str) -> str | None:
    """What tells the recording at `path` (relative to the inbox), and its sidecars, from any other; None where it is
    gone. `signature`: its sizes and times."""
    whole = inbox / path
    try:
        own = os.lstat(whole)
    except OSError:
        return None
    beside = names.own_sidecars(path.name, is_folder=stat.S_ISDIR(own.st_mode))
    told = [f"{own.st_dev}:{own.st_ino}", signature, *(_told(whole.with_name(name)) for name in beside)]
    return " ".join(told)


def _told(sidecar: Path) -> str:
    try:
        found = os.lstat(sidecar)
    except OSError:
        return "-"
    return f"{found.st_size}:{found.st_mtime_ns}"
