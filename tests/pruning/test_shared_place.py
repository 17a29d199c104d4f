"""Pruning of what machines share: what a run on any of them may use stays."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tasks.pruning.prune import erase, prune, take_inventory
from tasks.sharing.artifacts import SharedArtifactStore
from tasks.sharing.connect import open_objects
from tasks.sharing.lease import hold_lease
from tasks.sharing.publication import Entry
from tasks.sharing.records import write_record

DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> SharedArtifactStore:
    return SharedArtifactStore(f"file://{tmp_path}/shared", str(tmp_path / "copies"), 1_000_000)


def keep(store: SharedArtifactStore, key: str, age_s: float) -> str:
    """Keep a step's value and record that were last used so long ago; return the value's name."""
    name = store.put("words", key.encode(), ".bin")
    write_record(store.root, key, {"artifacts": {"words": name}})
    for path in (f"artifacts/{name}", f"records/{key}.json"):
        at = time.time() - age_s
        os.utime(Path(store.root.removeprefix("file://")) / path, (at, at))
    return name


def keys(store: SharedArtifactStore) -> list[str]:
    return sorted(record.key for record in take_inventory(store).records)


def test_what_was_not_used_for_long_goes_from_the_storage(store: SharedArtifactStore) -> None:
    old, new = keep(store, "words/v1/old", 40 * DAY), keep(store, "words/v1/new", DAY)
    removed = prune(store, older_than_s=30 * DAY)
    assert [record.key for record in removed.records] == ["words/v1/old"]
    assert keys(store) == ["words/v1/new"]
    assert [name for name, _, _ in store.listing()] == [new]
    assert not store.has(old)


def test_what_a_run_on_another_machine_has_used_stays(store: SharedArtifactStore) -> None:
    keep(store, "words/v1/before", 3 * 3600.0)
    with hold_lease(open_objects(store.root), "recordings/talk", "talk", lease_s=60):
        keep(store, "words/v1/used", 0.0)
        prune(store, older_than_s=0)
        assert keys(store) == ["words/v1/used"]
    prune(store, older_than_s=0)
    assert keys(store) == []


def test_a_run_that_is_not_heard_of_holds_nothing(store: SharedArtifactStore) -> None:
    keep(store, "words/v1/a", 60.0)
    dead = {"host": "gone", "pid": 1, "lease_s": 60, "began": time.time() - 4000}
    objects = open_objects(store.root)
    objects.put("leases/recordings/talk.json", json.dumps(dead).encode())
    path = Path(store.root.removeprefix("file://")) / "leases/recordings/talk.json"
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    prune(store, older_than_s=0)
    assert keys(store) == []


def test_what_is_erased_of_a_recording_is_gone_from_the_storage(store: SharedArtifactStore) -> None:
    keep(store, "words/v1/mine", DAY)
    keep(store, "words/v1/others", DAY)
    objects = open_objects(store.root)
    objects.put("usage/talk.json", b'["words/v1/mine"]')
    objects.put("usage/other.json", b'["words/v1/others"]')
    assert erase(store, ["talk"]) == set()
    assert keys(store) == ["words/v1/others"]
    assert objects.get("usage/talk.json") is None


def test_what_a_dead_process_had_staged_goes_after_a_day(store: SharedArtifactStore) -> None:
    objects, root = open_objects(store.root), Path(store.root.removeprefix("file://"))
    under_way = Entry("talk", "publishing", publication="abc")
    objects.put("ledger/talk.json", under_way.serialize())
    for name, age_s in (("abc/1", 2 * DAY), ("dead/1", 2 * DAY), ("new/1", 60.0)):
        objects.put(f"staged/talk/{name}", b"x")
        at = time.time() - age_s
        os.utime(root / "staged/talk" / name, (at, at))
    prune(store, older_than_s=30 * DAY)
    assert [facts.name for facts in objects.list("staged/")] == ["staged/talk/abc/1", "staged/talk/new/1"]
