"""The cache of this machine: what it holds, and making room in it."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from tasks.pruning import used
from tasks.pruning.choose import Removal, choose
from tasks.pruning.inventory import Inventory, Record, Stored, bytes_there, inventory
from tasks.settings.home import cache, results
from tasks.storage import disk_space
from tasks.storage.artifacts import ArtifactStore


def recordings_folder() -> Path:
    return cache() / "recordings"


def runs_folder() -> Path:
    return cache() / "running"


def held(store: ArtifactStore) -> Inventory:
    """What the cache holds."""
    return inventory(results(), store, used.noted(recordings_folder()))


def held_of(store: ArtifactStore, recording_id: str) -> int:
    """Bytes that the cache holds of a recording, as far as its last run has noted what it used; 0 where the store is
    no folder: there each size costs a request."""
    folder = disk_space.find_local_folder(store.root)
    return bytes_there(results(), folder, used.noted_of(recordings_folder(), recording_id)) if folder else 0


def prune(
    store: ArtifactStore,
    *,
    older_than_s: float | None = None,
    max_size: int | None = None,
    recordings: Collection[str] = (),
    dry_run: bool = False,
) -> Removal:
    """Remove what `choose` names, and tell what went. Nothing that a run under way has used since it began goes.

    Records go first: without its record an artifact is nobody's, without its artifact a record would be a lie. A big
    store takes long to look through, and longer to remove from: each file is looked at again right before it goes,
    and stays where somebody has used it meanwhile.
    """
    before = used.in_use_since(runs_folder())
    found = held(store)
    # Whoever has used something by now, as it was found, is under way, or was.
    since = min((at for at in (before, used.in_use_since(runs_folder())) if at is not None), default=None)
    chosen = choose(
        found,
        time.time(),
        older_than_s=older_than_s,
        max_size=max_size,
        recordings=recordings,
        in_use_since=since,
    )
    if dry_run:
        return chosen
    records = tuple(record for record in chosen.records if _forgotten(record))
    stay = set(chosen.records) - set(records)
    named = {name for record in stay for name in record.artifacts}
    stored = tuple(s for s in chosen.stored if s.name not in named and _discarded(store, s))
    if since is None and used.in_use_since(runs_folder()) is None:
        keys = {record.key for record in stay}
        done = [name for name in recordings if keys.isdisjoint(found.recordings.get(name, ()))]
        used.forget(recordings_folder(), done)
    return Removal(records, stored)


def _forgotten(record: Record) -> bool:
    """Remove the record; False where a step has believed it or made it anew since it was listed."""
    file = results() / record.key
    try:
        if file.stat().st_mtime != record.used_at:
            return False
        file.unlink()
    except FileNotFoundError:
        pass
    return True


def _discarded(store: ArtifactStore, stored: Stored) -> bool:
    """Remove the artifact; False where a step has made the same again since it was listed, or it is gone."""
    made_at = store.made_at(stored.name)
    if made_at is None or made_at > stored.made_at:
        return False
    store.discard(stored.name)
    return True
