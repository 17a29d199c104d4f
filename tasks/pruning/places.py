"""Where records, their use and the marks of running runs lie: on this machine, or in storage that machines share."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from tasks.pruning import usage
from tasks.pruning.inventory import Inventory, Record, StoredArtifact, build_inventory, parse_artifacts
from tasks.pruning.usage import LiveRun
from tasks.settings.home import cache, results
from tasks.sharing.artifacts import SharedArtifactStore
from tasks.sharing.connect import open_objects
from tasks.sharing.publication import STAGED, read_entry
from tasks.sharing.records import FOLDER, discard_record, name_record
from tasks.storage.artifacts import ArtifactStore

USAGE = "usage"
SILENT_S = 600.0
"""A run without a word for so long doesn't count as running; nor do machines' clocks differ by more."""
LEFT_AFTER_S = 24 * 3600.0
"""A file of a publication that was not begun by then belongs to a dead process."""
READERS = 16


class Place(Protocol):
    """The records of a cache."""

    def take_inventory(self) -> Inventory: ...

    def read_live_runs(self) -> list[LiveRun]: ...

    def has_record(self, key: str) -> bool: ...

    def remove_record(self, record: Record) -> bool:
        """Remove it; return False if a step has used or rewritten it since it was listed."""

    def delete_usage(self, recordings: Collection[str]) -> None: ...

    def discard_leftovers(self) -> None:
        """Remove what dead processes left of publications that they had not begun."""


def find_place(store: ArtifactStore) -> Place:
    """The records that name the values in this store."""
    return SharedPlace(store) if isinstance(store, SharedArtifactStore) else LocalPlace(store)


class LocalPlace:
    """Records of this machine."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store, self._recordings, self._runs = store, cache() / "recordings", cache() / "running"

    def take_inventory(self) -> Inventory:
        return build_inventory(results(), self._store, usage.read_all_usage(self._recordings))

    def read_live_runs(self) -> list[LiveRun]:
        return usage.read_live_runs(self._runs)

    def has_record(self, key: str) -> bool:
        return (results() / key).exists()

    def remove_record(self, record: Record) -> bool:
        file = results() / record.key
        try:
            if file.stat().st_mtime != record.used_at:
                return False
            file.unlink()
        except FileNotFoundError:
            pass
        return True

    def delete_usage(self, recordings: Collection[str]) -> None:
        usage.delete_usage(self._recordings, recordings)

    def discard_leftovers(self) -> None:
        """Each folder of results does that itself, before it is next written."""


class SharedPlace:
    """Records that machines share. A run counts as running while it writes its lease."""

    def __init__(self, store: SharedArtifactStore) -> None:
        self._store, self._objects = store, open_objects(store.root)

    def take_inventory(self) -> Inventory:
        stored = tuple(StoredArtifact(name, size, made_at) for name, size, made_at in self._store.listing())
        used = {}
        for name, data in self._read_all(f"{USAGE}/"):
            try:
                used[name.removeprefix(f"{USAGE}/").removesuffix(".json")] = frozenset(map(str, json.loads(data)))
            except (ValueError, TypeError):
                continue
        listed = {facts.name: facts for facts in self._objects.list(f"{FOLDER}/")}
        records = []
        for name, data in self._read_all(f"{FOLDER}/"):
            if name in listed:
                key = name.removeprefix(f"{FOLDER}/").removesuffix(".json")
                facts = listed[name]
                records.append(Record(key, facts.size, facts.modified_at, parse_artifacts(data)))
        return Inventory(tuple(records), stored, used)

    def _read_all(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        names = [facts.name for facts in self._objects.list(prefix) if facts.name.endswith(".json")]
        with ThreadPoolExecutor(READERS) as readers:
            for name, held in zip(names, readers.map(self._objects.get, names), strict=True):
                if held is not None:
                    yield name, held.data

    def read_live_runs(self) -> list[LiveRun]:
        now = self._read_clock()
        live = []
        for facts in self._objects.list("leases/recordings/"):
            held = self._objects.get(facts.name) if now - facts.modified_at < SILENT_S else None
            try:
                content = json.loads(held.data) if held is not None else {"free": True}
                since = float(content["began"]) - SILENT_S if not content.get("free") else None
            except (ValueError, KeyError, TypeError, AttributeError):
                since = facts.modified_at - SILENT_S
            if since is not None:
                live.append(LiveRun(since, facts.name.removeprefix("leases/recordings/").removesuffix(".json")))
        return live

    def has_record(self, key: str) -> bool:
        return self._objects.find(name_record(key)) is not None

    def remove_record(self, record: Record) -> bool:
        facts = self._objects.find(name_record(record.key))
        if facts is not None and facts.modified_at != record.used_at:
            return False
        discard_record(self._store.root, record.key)
        return True

    def delete_usage(self, recordings: Collection[str]) -> None:
        for name in recordings:
            self._objects.delete(f"{USAGE}/{name}.json")

    def discard_leftovers(self) -> None:
        now = self._read_clock()
        for facts in self._objects.list(f"{STAGED}/"):
            _, recording_id, publication, *_ = f"{facts.name}//".split("/")
            if now - facts.modified_at > LEFT_AFTER_S:
                entry, _ = read_entry(self._objects, recording_id)
                if (entry.state, entry.publication) != ("publishing", publication):
                    self._objects.delete(facts.name)

    def _read_clock(self) -> float:
        """The time by the storage's clock, seconds since the epoch."""
        self._objects.put("pruning.json", b"{}")
        marked = self._objects.find("pruning.json")
        return marked.modified_at if marked is not None else 0.0


def share_usage(store: ArtifactStore, recording_id: str) -> None:
    """Tell other machines which records the recording's run has used."""
    if isinstance(store, SharedArtifactStore):
        keys = usage.read_usage(cache() / "recordings", recording_id)
        open_objects(store.root).put(f"{USAGE}/{recording_id}.json", json.dumps(sorted(keys)).encode())
