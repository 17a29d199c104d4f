"""Values and records in shared storage: whole or made again; what this machine keeps of them is bounded."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tasks.sharing.artifacts import SharedArtifactStore, sweep
from tasks.sharing.connect import open_objects
from tasks.sharing.records import RENEW_AFTER_S, read_record, write_record
from tasks.storage.artifacts import DamagedArtifact


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"file://{tmp_path}/shared"


def store_of(url: str, folder: Path, max_bytes: int = 1_000_000) -> SharedArtifactStore:
    return SharedArtifactStore(url, str(folder), max_bytes)


def test_what_one_machine_keeps_another_has(url: str, tmp_path: Path) -> None:
    one, other = store_of(url, tmp_path / "one"), store_of(url, tmp_path / "other")
    name = one.put_json("words", {"a": 1})
    digest = hashlib.sha256(b'{"a":1}').hexdigest()
    assert name == f"words/{digest[:2]}/{digest}.json"
    assert other.get_json(name) == {"a": 1}
    assert other.intact(name)
    assert [found for found, _, _ in other.listing()] == [name]
    assert other.made_at(name) is not None


def test_a_value_is_read_here_once_it_was_fetched(url: str, tmp_path: Path) -> None:
    one, other = store_of(url, tmp_path / "one"), store_of(url, tmp_path / "other")
    name = one.put("words", b"value", ".bin")
    assert other.get(name) == b"value"
    open_objects(url).delete(f"artifacts/{name}")
    assert other.get(name) == b"value"
    assert not other.intact(name)  # other machines can't have it
    with pytest.raises(DamagedArtifact, match="is gone from file:"):
        store_of(url, tmp_path / "third").get(name)


def test_what_is_damaged_is_not_believed(url: str, tmp_path: Path) -> None:
    one = store_of(url, tmp_path / "one")
    name = one.put("words", b"value", ".bin")
    (tmp_path / "one" / name).write_bytes(b"other")
    assert one.get(name) == b"value"  # out of the storage
    open_objects(url).put(f"artifacts/{name}", b"vaXue")
    with pytest.raises(DamagedArtifact, match="is damaged"):
        store_of(url, tmp_path / "other").get(name)


def test_a_full_disk_of_this_machine_costs_nothing_but_the_copy(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = store_of(url, tmp_path / "file" / "copies")
    name = store.put("words", b"value", ".bin")
    assert store.get(name) == b"value"


def test_copies_used_longest_ago_go_first(tmp_path: Path) -> None:
    for number in range(4):
        path = tmp_path / "words" / f"{number:02}" / "value.bin"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"12345")
        os.utime(path, (1000 + number, 1000 + number))
    sweep(tmp_path, 11)
    assert sorted(p.parent.name for p in tmp_path.glob("*/??/*")) == ["02", "03"]


def test_a_record_is_read_as_it_was_written_and_renewed_by_use(url: str, tmp_path: Path) -> None:
    assert read_record(url, "words/v1/ab") is None
    write_record(url, "words/v1/ab", {"facts": {"n": 1}})
    path = tmp_path / "shared" / "records" / "words" / "v1" / "ab.json"
    old = path.stat().st_mtime - RENEW_AFTER_S - 60
    os.utime(path, (old, old))
    assert read_record(url, "words/v1/ab") == {"facts": {"n": 1}}
    assert path.stat().st_mtime > old + RENEW_AFTER_S
    path.write_bytes(b"[")
    assert read_record(url, "words/v1/ab") is None
