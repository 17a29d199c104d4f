"""Fingerprints of recordings that stay in place when they are done (`inbox.after = keep`).

Device, inode, sizes and times identify a processed recording without reading it at each scan. Where any of them has
changed its content is digested, and the digest decides whether there is anything to do.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tasks.sidecars import SidecarIndex, fold, list_names, own_sidecars


def fingerprint(inbox: Path, path: Path, signature: str, beside: SidecarIndex | None = None) -> str | None:
    """Device, inode and `signature` (sizes and times) of the recording at `path` (relative to the inbox), and sizes
    and times of its sidecars, as one string; None where it is gone. `beside`: those of its folder, if known."""
    whole = inbox / path
    try:
        own = os.lstat(whole)
    except OSError:
        return None
    is_folder = stat.S_ISDIR(own.st_mode)
    known = SidecarIndex(list_names(whole.parent)) if beside is None else beside
    by_name = {fold(name): name for name in known.find(path.name, is_folder=is_folder)}
    sidecars = [by_name.get(usual.casefold(), usual) for usual in own_sidecars(path.name, is_folder=is_folder)]
    parts = [f"{own.st_dev}:{own.st_ino}", signature, *(_stamp_of(whole.with_name(name)) for name in sidecars)]
    return " ".join(parts)


def _stamp_of(sidecar: Path) -> str:
    try:
        found = os.lstat(sidecar)
    except OSError:
        return "-"
    return f"{found.st_size}:{found.st_mtime_ns}"
