"""Where an inbox lies: a mount point whose file system is gone is an empty folder, and must not be begun anew."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from tasks.errors import UsageError
from tasks.intake.names import LEDGER
from tasks.storage.atomic import write_atomically


def find_mount_point(folder: Path) -> Path:
    """The mount point of the file system that a folder lies on; of its nearest parent, where it does not exist."""
    whole = Path(os.path.realpath(folder))
    return next(place for place in (whole, *whole.parents) if os.path.ismount(place))


def refuse_lost_mount(inbox: Path, record: Path) -> None:
    """Raise UsageError where the inbox was on another file system when it was last watched, and no ledger is here.

    `record`: the file of `record_mount`.
    """
    before = _read(record).get(str(inbox))
    if before is None or os.path.isfile(inbox / LEDGER):
        return
    now = str(find_mount_point(inbox))
    if now == before:
        return
    away = not os.path.ismount(before)
    cause = f"{before} is not mounted" if away else f"it was on the file system of {before}, and is on that of {now}"
    raise UsageError(
        f"inbox.folder = {inbox}: {cause}, and its ledger is not here: nothing is begun anew. "
        f"{'Mount it' if away else 'Put it back'}; or, if this folder is meant, remove {record}."
    )


def record_mount(inbox: Path, record: Path) -> None:
    """Keep in the file `record` the mount point of an inbox that is on another file system than that file. Where it
    can't be written nothing is kept."""
    known, place = _read(record), str(find_mount_point(inbox))
    others = {other: mount for other, mount in known.items() if other != str(inbox)}
    now = others if place == str(find_mount_point(record.parent)) else others | {str(inbox): place}
    if now != known:
        with contextlib.suppress(OSError):
            write_atomically(record, json.dumps(now, indent=2, sort_keys=True) + "\n")


def _read(record: Path) -> dict[str, str]:
    try:
        known = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(inbox): str(place) for inbox, place in known.items()} if isinstance(known, dict) else {}
