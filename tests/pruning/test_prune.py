"""The cache of a machine: listed, pruned, and left alone while somebody uses it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import NoRoom
from tasks.pruning import usage
from tasks.pruning.prune import measure_recording_size, prune, recordings_folder, runs_folder, take_inventory
from tasks.storage.artifacts import ArtifactStore
from tests.helpers.cached_results import make_result_key, store_result

A, B = make_result_key("linking", "a"), make_result_key("linking", "b")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
    return ArtifactStore(str(tmp_path / "data" / "cache" / "artifacts"))


def test_what_is_old_goes_and_what_is_new_stays(store: ArtifactStore, tmp_path: Path) -> None:
    old = store_result(store, tmp_path, A, b"old", 40)
    new = store_result(store, tmp_path, B, b"new", 1)
    assert prune(store, older_than_s=30 * 86_400, dry_run=True).size > 0
    assert store.intact(old)
    gone = prune(store, older_than_s=30 * 86_400)
    assert [r.key for r in gone.records] == [A]
    assert not store.has(old)
    assert store.intact(new)
    assert [r.key for r in take_inventory(store).records] == [B]


def test_a_recording_takes_along_what_only_it_used(store: ArtifactStore, tmp_path: Path) -> None:
    store_result(store, tmp_path, A, b"mine", 1)
    store_result(store, tmp_path, B, b"ours", 1)
    usage.record_usage(recordings_folder(), "monday-1", [A, B])
    usage.record_usage(recordings_folder(), "tuesday-2", [B])
    assert [r.key for r in prune(store, recordings=["monday-1"]).records] == [A]
    assert set(take_inventory(store).recordings) == {"tuesday-2"}


def test_usage_of_failed_run_includes_earlier_records(tmp_path: Path) -> None:
    usage.record_usage(tmp_path, "monday-1", ["a", "b"])
    with pytest.raises(KeyboardInterrupt), usage.track_usage(tmp_path, "monday-1", lambda: {"a", "c"}):
        raise KeyboardInterrupt
    assert usage.read_all_usage(tmp_path)["monday-1"] == {"a", "b", "c"}
    with usage.track_usage(tmp_path, "monday-1", lambda: {"c"}):
        pass
    assert usage.read_all_usage(tmp_path)["monday-1"] == {"c"}


def test_usage_so_far_is_recorded(tmp_path: Path) -> None:
    usage.record_usage(tmp_path, "monday-1", ["a", "b"])
    with usage.track_usage(tmp_path, "monday-1", lambda: {"b", "c", "d"}) as note:
        note({"b"})
        assert usage.read_usage(tmp_path, "monday-1") == {"a", "b"}
        note({"b", "c"})
        assert usage.read_usage(tmp_path, "monday-1") == {"a", "b", "c"}
    note({"late"})  # a step that ends after its run has failed
    assert usage.read_usage(tmp_path, "monday-1") == {"b", "c", "d"}


def test_size_of_recording_counts_artifacts_once(store: ArtifactStore, tmp_path: Path) -> None:
    for record, value in ((A, b"same" * 1000), (B, b"same" * 1000)):
        store_result(store, tmp_path, record, value, 1)
    store_result(store, tmp_path, make_result_key("linking", "c"), b"another's", 1)
    usage.record_usage(recordings_folder(), "monday-1", [A, B, make_result_key("linking", "d"), "../../odd"])
    records = sum((tmp_path / "data/cache/results" / record).stat().st_size for record in (A, B))
    assert measure_recording_size(store, "monday-1") == 4000 + records
    assert measure_recording_size(store, "never-seen") == 0
    store.discard(take_inventory(store).records[0].artifacts[0])
    assert measure_recording_size(store, "monday-1") == records


def test_size_is_zero_for_remote_store(store: ArtifactStore, tmp_path: Path) -> None:
    elsewhere = ArtifactStore(f"memory://{tmp_path.name}-sizes")
    store_result(elsewhere, tmp_path, A, b"far", 1)
    usage.record_usage(recordings_folder(), "monday-1", [A])
    assert measure_recording_size(elsewhere, "monday-1") == 0


def test_full_disk_does_not_hide_the_run_s_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        with pytest.raises(NoRoom), usage.track_usage(tmp_path, "monday-1", lambda: {"a" * 100}):
            raise NoRoom("x")
        with usage.track_usage(tmp_path, "monday-1", lambda: {"a" * 100}):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert "what of the cache it used is not noted" in caplog.text


def test_a_run_under_way_loses_nothing_and_one_that_died_is_no_reason_to_keep(
    store: ArtifactStore, tmp_path: Path
) -> None:
    with usage.mark_running(runs_folder()):
        store_result(store, tmp_path, A, b"just used", -0.001)
        assert prune(store, max_size=0).records == ()
    assert list(runs_folder().iterdir()) == []
    code = f"""
import os
from pathlib import Path
from tasks.pruning.usage import mark_running
with mark_running(Path({str(runs_folder())!r})):
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert len(list(runs_folder().iterdir())) == 1
    assert len(prune(store, max_size=0).records) == 1
    assert list(runs_folder().iterdir()) == []


def test_records_that_cannot_be_read_are_listed_and_go_in_their_time(store: ArtifactStore, tmp_path: Path) -> None:
    store_result(store, tmp_path, A, b"x", 40)
    (tmp_path / "data/cache/results" / A).write_text('{"metadata": {}, "resu')
    os.utime(tmp_path / "data/cache/results" / A, (0, 0))
    recordings_folder().mkdir(parents=True)
    (recordings_folder() / "monday.json").write_text("[")
    assert [(r.step, r.artifacts) for r in take_inventory(store).records] == [("linking", ())]
    assert take_inventory(store).recordings == {}
    assert len(prune(store, older_than_s=1).records) == 1


def test_remote_store_is_pruned(tmp_path: Path, store: ArtifactStore) -> None:
    elsewhere = ArtifactStore(f"memory://{tmp_path.name}")
    name = store_result(elsewhere, tmp_path, A, b"far", 40)
    assert [s.name for s in take_inventory(elsewhere).stored] == [name]
    prune(elsewhere, older_than_s=1)
    assert not elsewhere.has(name)
    assert take_inventory(store).records == ()
