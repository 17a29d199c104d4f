"""Folders that storage systems, and programs which share and synchronise folders, make for themselves.

What lies in them was deleted, is an older version, or is an index: it is never taken. One list, in any letter case,
at any depth; folders whose names begin with a dot (.Trash-1000, .snapshot, .stversions, .zfs, …) are never entered
anyway.
"""

from __future__ import annotations

import re

NAMES: dict[str, tuple[str, ...]] = {
    "Synology DSM: thumbnails, recycle bin, snapshots, work in progress, shared links": (
        "@eaDir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@sharesnap", "@SynoEAStream",
    ),
    "QNAP QTS: recycle bin, snapshots, thumbnails, transcoded copies": (
        "@Recycle", "@Recently-Snapshot", "@Snapshot", "@__thumb", "@Transcode",
    ),
    "NetApp ONTAP and Dell PowerScale, as Windows sees .snapshot": ("~snapshot",),
    "Samba's modules recycle and shadow_copy; NAS systems made with them": (
        "#recycle", "@Recycle", "$RECYCLE", "Network Recycle Bin", "Recycle Bin", "trashbox",
    ),
    "Windows: recycle bins, restore points, DFS replication, roll-backs of installations": (
        "$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "DfsrPrivate", "Config.Msi", "$Extend",
    ),
    "macOS on network and FAT volumes, and Netatalk: bins, temporary files, indexes": (
        "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder", "TheFindByContentFolder", "__MACOSX",
    ),
    "Linux (e2fsck) and Android: files without a name after a fault": ("lost+found", "LOST.DIR"),
    "Nextcloud and ownCloud: bin, older versions, uploads under way": (
        "files_trashbin", "files_versions", "uploads_in_progress",
    ),
}  # fmt: skip
"""Where each comes from -> its names."""

_FORMS: dict[str, str] = {
    "Windows chkdsk: pieces of damaged files": r"found\.\d{3}",
    "Samba and Windows: previous versions, by time": r"@gmt-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d",
    "Thecus: recycle bins, by volume": r"_nas_recycle_.*",
    "Western Digital: recycle bins, by volume": r"recycle bin - .*",
}
"""Where each comes from -> the form of its names, in lower case."""

_NAMES = frozenset(name.casefold() for names in NAMES.values() for name in names)
_FORM = re.compile("|".join(_FORMS.values()))


def is_service_folder(name: str) -> bool:
    """Whether a folder of this name is a storage system's own.

    >>> [is_service_folder(n) for n in ("@RECYCLE", "#snapshot", "found.012", "monday", "@home", "recycling")]
    [True, True, True, False, False, False]
    """
    folded = name.casefold()
    return folded in _NAMES or _FORM.fullmatch(folded) is not None
