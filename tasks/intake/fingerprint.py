"""Fingerprints of recordings that stay in place when they are done (`inbox.after = keep`).

Device, inode, sizes and times identify a processed recording without reading it at each scan. Where any of them has
changed its content is digested, and the digest decides whether there is anything to do.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tasks.intake import names


def fingerprint(inbox: Path, path: Path, signature: str) -> str | None:
    """Device, inode and `signature` (sizes and times) of the recording at `path` (relative to the inbox), and sizes
    and times of its sidecars, as one string; None where it is gone."""
    whole = inbox / path
    try:
        own = os.lstat(whole)
    except OSError:
        return None
    beside = names.own_sidecars(path.name, is_folder=stat.S_ISDIR(own.st_mode))
    parts = [f"{own.st_dev}:{own.st_ino}", signature, *(_stamp_of(whole.with_name(name)) for name in beside)]
    return " ".join(parts)


def _stamp_of(sidecar: Path) -> str:
    try:
        found = os.lstat(sidecar)
    except OSError:
        return "-"
    return f"{found.st_size}:{found.st_mtime_ns}"
