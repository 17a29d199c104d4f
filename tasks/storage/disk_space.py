"""Room on disks: whether what a run will write fits, and whether anything can be written there at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tasks.errors import NoRoom, UsageError

CACHE_BYTES_S = 1_400
"""What the steps of an hour keep, a third of it speech: 4.6 MB, measured over four hours. Talk without a pause keeps
three times as much: a run is refused only where it can't but fail."""
SEPARATED_BYTES_S = 11_000
"""Vocals as FLAC, 16 bit, 16 kHz, mono: a third of what they are unpacked."""
OUT_BYTES_S = 280
LEAST_BYTES = 100_000


def check_room(duration_s: float, cache: str, out: Path, *, separated: bool, held: int = 0) -> None:
    """Raise `NoRoom` where the results of so many seconds can't fit into the cache or into `out`. `held`: bytes that
    an earlier run has put into the cache already.

    A cache that isn't a folder has no room that could be asked for.
    """
    wanted: dict[int, tuple[Path, float]] = {}
    whole = duration_s * (CACHE_BYTES_S + (SEPARATED_BYTES_S if separated else 0))
    kept = max(0.0, whole - held) + LEAST_BYTES
    for folder, need in ((find_local_folder(cache), kept), (out, duration_s * OUT_BYTES_S + LEAST_BYTES)):
        if folder is not None:
            there = _nearest_existing_folder(folder)
            disk = there.stat().st_dev
            wanted[disk] = (wanted.get(disk, (there, 0.0))[0], wanted.get(disk, (there, 0.0))[1] + need)
    for folder, need in wanted.values():
        free = shutil.disk_usage(folder).free
        if free < need:
            raise NoRoom(
                f"{folder}: {free / 1e6:.1f} MB are free there, and at least {need / 1e6:.1f} MB are needed. Make "
                "room, or keep results (--out) or the cache (cache.store) elsewhere."
            )


def check_writable(**folders: Path | str) -> None:
    """Raise `UsageError` for the first folder in which nothing can be written, or where it could not be made.

    Their names are those of the settings that say where they are, with `__` for a point. URLs are left alone.
    """
    for name, given in folders.items():
        folder = find_local_folder(str(given))
        if folder is None:
            continue
        try:
            with tempfile.TemporaryFile(dir=_nearest_existing_folder(folder)):
                pass
        except OSError as error:
            setting = name.replace("__", ".")
            raise UsageError(
                f"{setting} = {folder}: nothing can be written there ({error.strerror}); see to its rights, or name "
                "another folder."
            ) from error


def find_local_folder(store: str) -> Path | None:
    """Where a store is on this machine; None where it is elsewhere."""
    if "://" in store:
        scheme, _, path = store.partition("://")
        return Path(path) if scheme in ("file", "local") else None
    return Path(store)


def _nearest_existing_folder(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    folder = folder.absolute()
    return next(f for f in (folder, *folder.parents) if f.exists())
