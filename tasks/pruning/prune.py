"""List and prune the cache of this machine, or of the storage that machines share."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tasks.pruning import usage
from tasks.pruning.choose import Removal, choose, choose_erased
from tasks.pruning.inventory import Inventory, Record, StoredArtifact, measure_size
from tasks.pruning.places import Place, find_place
from tasks.settings.home import cache, results, translations
from tasks.sharing.artifacts import SharedArtifactStore
from tasks.storage import disk_space
from tasks.storage.artifacts import ArtifactStore


def recordings_folder() -> Path:
    return cache() / "recordings"


def runs_folder() -> Path:
    return cache() / "running"


def take_inventory(store: ArtifactStore) -> Inventory:
    """List the contents of the cache."""
    return find_place(store).take_inventory()


def measure_recording_size(store: ArtifactStore, recording_id: str) -> int:
    """Measure the bytes in the cache that a recording's last run used, as far as recorded; 0 for a remote store,
    where each size costs a request."""
    folder = None if isinstance(store, SharedArtifactStore) else disk_space.find_local_folder(store.root)
    return measure_size(results(), folder, usage.read_usage(recordings_folder(), recording_id)) if folder else 0


def prune(
    store: ArtifactStore,
    *,
    older_than_s: float | None = None,
    max_size: int | None = None,
    recordings: Collection[str] = (),
    dry_run: bool = False,
) -> Removal:
    """Remove what `choose` returns; return what was removed. Results used by a run that is still running are kept.

    Records are removed first: an artifact without a record is harmless, a record without its artifact is not. Listing
    and removing take long in a big store: each file is checked again right before its removal, and kept if it was
    used meanwhile.
    """
    place = find_place(store)
    live = place.read_live_runs()
    found = take_inventory(store)
    # Runs that started before or while the cache was listed.
    since = min((run.since for run in (*live, *place.read_live_runs())), default=None)
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
    _remove_translations(recordings, older_than_s)
    removed = _remove(store, place, chosen)
    place.discard_leftovers()
    if since is None and not place.read_live_runs():
        keys = {record.key for record in set(chosen.records) - set(removed.records)}
        done = [name for name in recordings if keys.isdisjoint(found.recordings.get(name, ()))]
        place.delete_usage(done)
    return removed


def erase(store: ArtifactStore, recordings: Collection[str]) -> set[str]:
    """Remove what `choose_erased` returns; return those of the recordings that are not finished: a live run uses some
    of their results, or works on them.

    Each record and artifact is checked again right before its removal, as by `prune`.
    """
    place = find_place(store)
    live = place.read_live_runs()
    found = take_inventory(store)
    live += place.read_live_runs()  # those that began while the cache was listed
    _remove(store, place, choose_erased(found, recordings, live))
    after = place.read_live_runs()
    unfinished = {
        name
        for name in recordings
        if any(run.may_work_on(name) for run in after)
        or any(place.has_record(key) for key in found.recordings.get(name, ()))
    }
    place.delete_usage(set(recordings) - unfinished)
    _remove_translations(recordings)
    return unfinished


def _remove_translations(recordings: Collection[str], older_than_s: float | None = None) -> None:
    """Remove the translated sentences of recordings, and those that nothing was added to for so long."""
    oldest = None if older_than_s is None else time.time() - older_than_s
    for path in translations().glob("*.jsonl"):
        with suppress(FileNotFoundError):
            if path.stem in recordings or (oldest is not None and path.stat().st_mtime < oldest):
                path.unlink()


def _remove(store: ArtifactStore, place: Place, chosen: Removal) -> Removal:
    """Remove what was chosen, except what a step has used or written again since; return what was removed."""
    records = tuple(record for record in chosen.records if _remove_record(place, record))
    stay = set(chosen.records) - set(records)
    named = {name for record in stay for name in record.artifacts}
    stored = tuple(s for s in chosen.stored if s.name not in named and _remove_artifact(store, s))
    return Removal(records, stored)


def _remove_record(place: Place, record: Record) -> bool:
    """Remove the record; return False if a step has used or rewritten it since it was listed."""
    return place.remove_record(record)


def _remove_artifact(store: ArtifactStore, stored: StoredArtifact) -> bool:
    """Remove the artifact; return False if a step has written it again since it was listed, or it is gone."""
    made_at = store.made_at(stored.name)
    if made_at is None or made_at > stored.made_at:
        return False
    store.discard(stored.name)
    return True
