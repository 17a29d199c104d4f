"""The store of large values: kept once, never half-written, known by name when damaged."""

import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import NoRoom, TransientError, UsageError, is_transient
from tasks.records import Word, as_dict
from tasks.storage.artifacts import ArtifactStore, canonical_json, compute_json_digest
from tasks.storage.remote import check_store, open_filesystem
from tests.helpers.s3_server import run_s3_bucket


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on a real S3 server, on loopback."""
    with run_s3_bucket() as url:
        yield url


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "s3":
        return ArtifactStore(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")
    return ArtifactStore(str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}")


def test_equal_values_are_kept_once_under_one_name(store: ArtifactStore) -> None:
    assert store.put_json("step", {"b": 1, "a": [2]}) == store.put_json("step", {"a": [2], "b": 1})


def test_values_come_back_as_they_went_in(store: ArtifactStore) -> None:
    assert store.get_json(store.put_json("s", {"é": [1.5, None]})) == {"é": [1.5, None]}
    words = [Word(0.5, 1.0, "é", confidence=0.5), Word(1.0, 2.0, "so")]
    assert store.get_records(store.put_records("s", words), Word) == words
    assert store.put_records("s", words) == store.put_json("s", as_dict(words))
    assert store.get_records(store.put_records("s", []), Word) == []
    arrays = store.get_arrays(store.put_arrays("s", a=np.arange(6, dtype=np.float16).reshape(2, 3), b=np.zeros(0)))
    assert arrays["a"].dtype == np.float16
    assert arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    tone = np.sin(np.arange(16_000) / 20).astype(np.float32) * 0.5
    assert np.abs(store.get_audio(store.put_audio("s", tone)) - tone).max() < 1e-4


def test_nothing_but_finished_values_lies_in_the_store(store: ArtifactStore) -> None:
    name = store.put("s", b"value", ".bin")
    [(found, size, made)] = store.listing()
    assert (found, size) == (name, 5)
    assert abs(made - time.time()) < 60


def test_what_is_removed_is_gone_at_once(store: ArtifactStore) -> None:
    name = store.put("s", b"value", ".bin")
    assert [n for n, _, _ in store.listing()] == [name]
    files, base = open_filesystem(store.root)
    type(files)(skip_instance_cache=True).rm(f"{base}/{name}")  # as another process does
    assert not store.has(name)
    assert list(store.listing()) == []
    with pytest.raises(TransientError, match="gone"):
        store.get(name)


def test_a_damaged_value_is_made_again_wherever_it_lies(store: ArtifactStore) -> None:
    name = store.put("s", b"value", ".bin")
    files, base = open_filesystem(store.root)
    files.pipe_file(f"{base}/{name}", b"valve")
    assert not store.intact(name)
    assert store.put("s", b"value", ".bin") == name
    assert store.get(name) == b"value"


def test_an_address_where_nothing_can_be_kept_is_refused_by_name(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_store(f"{bucket}/somewhere")
    with pytest.raises(UsageError, match="there is no bucket mistyped"):
        check_store("s3://mistyped/daylong")
    with pytest.raises(UsageError, match="nowhere://x: needs Protocol not known"):
        check_store("nowhere://x")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3")
    with pytest.raises(UsageError, match=r"needs s3fs; pip install 'daylong\[s3\]'"):
        check_store("s3://elsewhere")


def test_a_store_that_cannot_be_reached_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"ENDPOINT_URL": "http://127.0.0.1:9", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x"}
    for name, value in {**nowhere, "MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    import s3fs

    store = ArtifactStore("s3://recordings/away")
    open_filesystem.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(TransientError, match="can't be reached"):
            store.put("s", b"value", ".bin")
        with pytest.raises(UsageError, match="nothing can be kept there"):
            check_store(store.root)
    finally:
        open_filesystem.cache_clear()
        s3fs.S3FileSystem.clear_instance_cache()


def test_a_damaged_or_missing_value_is_told_apart_from_a_good_one(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    name = store.put("s", b"value", ".bin")
    assert store.intact(name)
    (tmp_path / name).write_bytes(b"valve")
    assert not store.intact(name)
    with pytest.raises(TransientError, match="damaged"):
        store.get(name)
    assert store.put("s", b"value", ".bin") == name  # of the same size, but not the same
    assert store.intact(name)
    store.discard(name)
    with pytest.raises(TransientError, match="gone"):
        store.get(name)
    assert store.put("s", b"value", ".bin") == name
    assert store.intact(name)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    name = store.put_arrays("s", a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        store.get_arrays(name)


def test_canonical_json_refuses_what_has_no_one_spelling() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))
    assert compute_json_digest([1, "ä"]) == compute_json_digest([1, "ä"])


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(NoRoom, match="the disk is full"):
            store.put("s", bytes(2 << 20), ".bin")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert store.get(store.put("s", bytes(2 << 20), ".bin")) == bytes(2 << 20)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (NoRoom("x"), True),
        (MemoryError(), True),
        (OSError(5, "Input/output error"), True),
        (ConnectionResetError(104, "reset"), True),
        (PermissionError(13, "Permission denied"), False),
        (FileNotFoundError(2, "No such file"), False),
        (OSError(30, "Read-only file system"), False),
        (ValueError("x"), False),
    ],
)
def test_what_may_help_to_try_again(error: Exception, again: bool) -> None:
    assert is_transient(error) is again


def test_a_process_that_ends_while_a_thread_writes_can_take_away_what_is_half_written(tmp_path: Path) -> None:
    from fsspec.implementations.local import LocalFileSystem

    from tasks.storage import artifacts

    half, whole = tmp_path / ".half.part", tmp_path / "whole"
    half.write_bytes(b"hal")
    whole.write_bytes(b"whole")
    artifacts._unfinished[str(half)] = LocalFileSystem()
    try:
        artifacts.discard_unfinished()
    finally:
        artifacts._unfinished.clear()
    assert [p.name for p in tmp_path.iterdir()] == ["whole"]
