"""The cache of this machine: what it holds, and making room in it."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from tasks.artifacts import ArtifactStore
from tasks.home import cache, results
from tasks.pruning import used
from tasks.pruning.choose import Removal, choose
from tasks.pruning.inventory import Inventory, inventory


def recordings_folder() -> Path:
    return cache() / "recordings"


def runs_folder() -> Path:
    return cache() / "running"


def held(store: ArtifactStore) -> Inventory:
    """What the cache holds."""
    return inventory(results(), store, used.noted(recordings_folder()))


def prune(
    store: ArtifactStore,
    *,
    older_than_s: float | None = None,
    max_size: int | None = None,
    recordings: Collection[str] = (),
    dry_run: bool = False,
) -> Removal:
    """Remove what `choose` names, and tell it. Nothing that a run under way has used since it began is touched.

    Records go first: without its record an artifact is nobody's, without its artifact a record would be a lie.
    """
    since = used.in_use_since(runs_folder())
    gone = choose(
        held(store),
        time.time(),
        older_than_s=older_than_s,
        max_size=max_size,
        recordings=recordings,
        in_use_since=since,
    )
    if dry_run:
        return gone
    for record in gone.records:
        (results() / record.key).unlink(missing_ok=True)
    for stored in gone.stored:
        store.discard(stored.name)
    if since is None:
        used.forget(recordings_folder(), recordings)
    return gone
