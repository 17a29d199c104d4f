"""A pool as a value: engines in this process or in children, given back when idle, and what they waited."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.locations import resolve_device
from flows.recording.preparation import place_engines
from tasks.engines.calls import VISIBLE_GPUS, EnginePool, Placement, default_pool
from tasks.engines.child import EngineProcess
from tasks.engines.engine import Engine
from tasks.engines.pool import Pool
from tasks.errors import UsageError
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tasks.step import StepContext
from tasks.storage.artifacts import ArtifactStore
from tests.helpers.small_engines import make_counter_engine
from tests.helpers.waiting import wait_until

ENVIRONMENT = Engine.of("environment", "tests.helpers.small_engines:Environment")
LATER = 1000.0


@pytest.fixture
def children() -> Iterator[EnginePool]:
    made = EnginePool(Placement(run_in="child", timeout_s=60, children=2))
    yield made
    made.unload()


def test_two_pools_of_a_process_share_no_engine() -> None:
    one, other = EnginePool(), EnginePool()
    one.call(make_counter_engine(11), "add")
    assert one.call(make_counter_engine(11), "add").value == 22
    assert other.call(make_counter_engine(11), "add").value == 11
    assert (one.count_calls(), other.count_calls()) == (2, 1)


def test_a_step_asks_the_engines_of_its_context(tmp_path: Path) -> None:
    own, before = EnginePool(), default_pool.count_calls()
    place = StepContext(ArtifactStore(str(tmp_path)), lambda *_: None, engines=own)  # type: ignore[arg-type, return-value]
    assert place.meter().ask(make_counter_engine(12), "add") == 12
    assert (own.count_calls(), default_pool.count_calls()) == (1, before)
    assert place.identity() is None
    assert StepContext(place.store, place.read).engines is default_pool


def test_calls_side_by_side_go_to_other_children_and_later_ones_to_where_the_engine_is(children: EnginePool) -> None:
    a, b = make_counter_engine(1), make_counter_engine(2)
    with children._choose(a) as first, children._choose(a) as second:
        assert first is not second
        with children._choose(b) as third, children._choose(b) as fourth:
            assert {id(third), id(fourth)} == {id(first), id(second)}
    with children._choose(b) as where, children._choose(a) as elsewhere:
        assert (where, elsewhere) == (first, second)
    lone = make_counter_engine(3)
    with children._choose(a), children._choose(lone) as where:
        assert where is second
    with children._choose(lone) as again:
        assert again is where


def test_a_call_waits_for_the_first_child_that_is_free(children: EnginePool) -> None:
    engine, chosen, waiting = make_counter_engine(), list[object](), threading.Event()

    def choose() -> None:
        waiting.set()
        with children._choose(engine) as where:
            chosen.append(where)

    with children._choose(engine):
        with children._choose(engine) as second:
            third = threading.Thread(target=choose)
            third.start()
            waiting.wait(60)
            assert chosen == []
        third.join(60)
        assert chosen == [second]


def test_children_have_engines_and_processes_of_their_own(children: EnginePool) -> None:
    engine = make_counter_engine()
    with children._choose(engine) as first, children._choose(engine) as second:
        assert [each.call(engine, "add").value for each in (first, second, second)] == [1, 1, 2]
        pids = {each.call(engine, "pid").value for each in (first, second)}
    assert len(pids) == 2


def test_a_child_sees_the_gpu_that_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VISIBLE_GPUS, raising=False)
    places = Placement(run_in="child", gpus=(0, 2), children=3).list_environments()
    assert [each[VISIBLE_GPUS] for each in places] == ["0", "2", "0"]
    assert len(Placement(gpus=(1, 0)).list_environments()) == 2
    assert Placement().list_environments() == [{}]
    monkeypatch.setenv(VISIBLE_GPUS, "5,7")
    assert Placement(gpus=(1,)).list_environments() == [{VISIBLE_GPUS: "7"}]
    child = EngineProcess(environment={VISIBLE_GPUS: "7"})
    try:
        assert child.call(ENVIRONMENT, "get", VISIBLE_GPUS).value == "7"
    finally:
        child.close()


def test_an_engine_that_nobody_calls_is_unloaded_and_loaded_again() -> None:
    pool, engine = Pool(idle_s=60.0), make_counter_engine(5)
    pool.call(engine, "add")
    assert pool.release_idle() == []
    assert pool.release_idle(time.monotonic() + LATER) == [engine.name]
    assert pool.release_idle(time.monotonic() + LATER) == []
    assert pool.call(engine, "add").value == 5
    pool.idle_s = None
    assert pool.release_idle(time.monotonic() + LATER) == []


def test_an_engine_at_work_is_not_unloaded() -> None:
    pool, engine = Pool(idle_s=0.0), make_counter_engine(5)
    pool.call(engine, "add")
    with pool._slots[engine].lock:
        assert pool.release_idle(time.monotonic() + LATER) == []
    assert pool.call(engine, "add").value == 10


def test_a_child_that_nobody_calls_is_ended_and_started_again() -> None:
    child = EngineProcess(timeout_s=60, idle_s=60.0)
    try:
        assert child.call(make_counter_engine(), "add").value == 1
        first = child.pid()
        assert not child.release_idle()
        assert child.release_idle(time.monotonic() + LATER)
        assert child.pid() is None
        assert child.call(make_counter_engine(), "add").value == 1
        assert child.pid() not in (None, first)
    finally:
        child.close()


def test_idle_engines_are_given_back_without_being_asked_for() -> None:
    pool, engine = EnginePool(Placement(idle_s=0.01)), make_counter_engine(6)
    pool.call(engine, "add")
    wait_until(lambda: pool._own._slots[engine].loaded is None, every_s=0.02)
    pool.configure(Placement())
    assert pool.idle_s is None


def test_an_idle_child_unloads_its_engines_by_itself() -> None:
    child, engine = EngineProcess(timeout_s=60, idle_s=0.05), make_counter_engine()
    try:
        pid = child.call(engine, "pid").value
        child.call(engine, "add")
        wait_until(lambda: child.call(engine, "add").value == 1)  # it was loaded anew
        assert child.pid() == pid
    finally:
        child.close()


def test_what_an_engine_did_and_waited_is_known_by_its_name() -> None:
    pool, engine = EnginePool(), make_counter_engine(7)
    threads = [threading.Thread(target=pool.call, args=(engine, "add")) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with pytest.raises(RuntimeError):
        pool.call(engine, "fail", "no")
    use = pool.list_uses()[engine.name]
    assert use.calls == 3
    assert use.wait_s > 0.01
    assert use.run_s >= 0.03
    assert use.load_s > 0
    assert pool.count_calls() == 4


def settings(*assignments: str) -> Settings:
    return load({"profile": "demo"}, assignments, environment={}, folder=Path("/nowhere"))


def test_settings_say_where_engines_run() -> None:
    placed = place_engines(settings("models.processes=3", "models.idle_minutes=2", "models.keep=one"))
    assert placed == Placement("one", "child", 9300.0, 3, (), 120.0)
    assert place_engines(settings("device=cuda:1,cuda:0")).gpus == (1, 0)
    assert settings("device=cuda:1,cuda:0", "models.processes=2").digest() == settings().digest()


@pytest.mark.parametrize(
    ("assignments", "told"),
    [
        (["device=gpu"], 'device = "gpu": write auto, cpu, cuda, or GPUs by number: cuda:0,cuda:1'),
        (["device=cuda:0,cpu"], 'device = "cuda:0,cpu": write auto'),
        (["device=cuda:0", "models.run_in=process"], "device = cuda:0: only engines in processes of their own can"),
        (["models.processes=2", "models.run_in=process"], "models.processes = 2: only engines in processes"),
        (["models.processes=1", "device=cuda:0,cuda:1"], "models.processes = 1: device = cuda:0,cuda:1 names 2 GPUs"),
        (["models.processes=0"], "models.processes = "),
    ],
)
def test_places_that_can_not_be_are_refused_in_one_line(assignments: list[str], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        settings(*assignments)
    assert str(refused.value).startswith(told)
    assert len(str(refused.value).splitlines()) == 1


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctranslate2

    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 2)
    assert resolve_device(settings("device=cuda:1,cuda:0")) == "cuda"
    with pytest.raises(UsageError, match=r"device = cuda:1,cuda:2: there is no GPU 2; this machine has 2"):
        resolve_device(settings("device=cuda:1,cuda:2"))
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    with pytest.raises(UsageError, match="device = cuda:0: no CUDA device is found here"):
        resolve_device(settings("device=cuda:0"))
