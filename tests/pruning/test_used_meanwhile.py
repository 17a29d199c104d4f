"""What is used while the cache is being looked through and pruned stays."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasks import caching
from tasks.caching import AS_JSON, discard_broken_result
from tasks.pruning import prune as pruning
from tasks.pruning import usage
from tasks.pruning.prune import prune, recordings_folder, runs_folder, take_inventory
from tasks.settings.home import results
from tasks.step import Meter, StepContext
from tasks.storage.artifacts import ArtifactStore
from tests.helpers.cached_results import make_result_key

A, B = make_result_key("linking", "a"), make_result_key("linking", "b")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArtifactStore]:
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(tmp_path / "results"))
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results"}):
        yield ArtifactStore(str(tmp_path / "artifacts"))


def write_result(store: ArtifactStore, record: str, value: bytes) -> str:
    """What a step keeps, forty days ago."""
    name = store.put("linking", value, ".bin")
    write_record(record, name)
    for file in (results() / record, Path(store.root) / name):
        os.utime(file, (time.time() - 40 * 86_400,) * 2)
    return name


def write_record(record: str, name: str) -> None:
    (results() / record).parent.mkdir(parents=True, exist_ok=True)
    metadata = {"serializer": AS_JSON.model_dump()}
    manifest = json.dumps(Meter().manifest({"it": name}))
    (results() / record).write_text(json.dumps({"metadata": metadata, "result": manifest}))


def use_record(store: ArtifactStore, record: str) -> None:
    """As a run does that goes on with what is in the cache."""
    discard_broken_result(record, {"place": StepContext(store, lambda *_: pytest.fail("nothing is read"))})
    assert (results() / record).exists()


def run_after(monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], object]) -> None:
    """Let `act` happen when this step of pruning is done."""
    does = getattr(pruning, step)

    def done(*args: Any, **kwargs: Any) -> Any:
        found = does(*args, **kwargs)
        act()
        return found

    monkeypatch.setattr(pruning, step, done)


@pytest.mark.parametrize("begun", ["before", "meanwhile"])
def test_result_used_meanwhile_is_kept_with_its_artifacts(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    needed, other = write_result(store, A, b"needed"), write_result(store, B, b"other")
    with ExitStack() as run:

        def go_on() -> None:
            if begun == "meanwhile":
                run.enter_context(usage.mark_running(runs_folder()))
            use_record(store, A)

        if begun == "before":
            run.enter_context(usage.mark_running(runs_folder()))
        run_after(monkeypatch, "choose", go_on)
        gone = prune(store, older_than_s=30 * 86_400)
    assert ([r.key for r in gone.records], [s.name for s in gone.stored]) == ([B], [other])
    assert [r.key for r in take_inventory(store).records] == [A]
    assert store.intact(needed)


def test_run_that_starts_during_listing_is_respected(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write_result(store, A, b"needed")
    with ExitStack() as run:

        def listed_late(*args: Any) -> Any:
            run.enter_context(usage.mark_running(runs_folder()))
            use_record(store, A)
            return listed(*args)

        listed = pruning.take_inventory
        monkeypatch.setattr(pruning, "take_inventory", listed_late)
        assert prune(store, max_size=0).records == ()


def test_modification_times_of_whole_seconds(store: ArtifactStore) -> None:
    write_result(store, A, b"needed")
    with usage.mark_running(runs_folder()):
        os.utime(results() / A, (int(time.time()),) * 2)
        assert prune(store, max_size=0).records == ()


def test_artifact_written_again_meanwhile_is_kept(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    same, other = write_result(store, A, b"same"), write_result(store, B, b"other")
    left = store.put("linking", b"left behind by a run that died", ".bin")
    os.utime(Path(store.root) / left, (0, 0))

    def make_again() -> None:
        write_record(make_result_key("linking", "c"), store.put("linking", b"same", ".bin"))
        write_record(make_result_key("linking", "d"), store.put("linking", b"left behind by a run that died", ".bin"))

    run_after(monkeypatch, "choose", make_again)
    gone = prune(store, older_than_s=30 * 86_400)
    assert ([r.key for r in gone.records], [s.name for s in gone.stored]) == ([A, B], [other])
    assert store.intact(same)
    assert store.intact(left)


def test_remote_artifact_written_again_meanwhile_is_kept(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = ArtifactStore(f"memory://{tmp_path.name}")
    same, other = (elsewhere.put("linking", value, ".bin") for value in (b"same", b"other"))
    write_record(A, same)
    write_record(B, other)
    time.sleep(0.01)
    run_after(monkeypatch, "choose", lambda: elsewhere.put("linking", b"same", ".bin"))
    assert [s.name for s in prune(elsewhere, max_size=0).stored] == [other]
    assert elsewhere.intact(same)


def test_usage_of_recording_in_use_is_kept(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, record in (("monday-1", A), ("tuesday-2", B)):
        write_result(store, record, name.encode())
        usage.record_usage(recordings_folder(), name, [record])
    run_after(monkeypatch, "choose", lambda: use_record(store, A))
    assert [r.key for r in prune(store, recordings=["monday-1", "tuesday-2"]).records] == [B]
    assert set(take_inventory(store).recordings) == {"monday-1"}


def test_use_is_marked_before_checking_artifacts(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write_result(store, A, b"big")
    times: list[float] = []

    def intact(self: ArtifactStore, name: str) -> bool:
        times.append((results() / A).stat().st_mtime)
        return True

    monkeypatch.setattr(ArtifactStore, "intact", intact)
    use_record(store, A)
    assert time.time() - times[0] < 60


def test_result_pruned_while_checked_is_computed_again(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write_result(store, A, b"x")
    monkeypatch.setattr(os, "utime", lambda file, *_: os.unlink(file))
    discard_broken_result(A, {"place": StepContext(store, lambda *_: pytest.fail("nothing is read"))})
    assert not (results() / A).exists()


def test_record_is_noted_before_it_is_looked_at(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever erases looks for notes after listing: a record that is believed has been noted by then."""
    order: list[str] = []
    monkeypatch.setattr(caching, "discard_broken_result", lambda key, _: order.append(f"looked at {key}"))
    asking: Any = SimpleNamespace(task_run=SimpleNamespace(flow_run_id="run-1"))
    policy = caching.StepPolicy(step="linking", version=1)
    with caching.call_at_each_use("run-1", lambda key: order.append(f"noted {key}")):
        key = policy.compute_key(asking, {"speakers": 2}, {})
    policy.compute_key(asking, {"speakers": 3}, {})
    assert order[:2] == [f"noted {key}", f"looked at {key}"]
    assert len(order) == 3
    assert len(caching.pop_used_keys("run-1")) == 2
