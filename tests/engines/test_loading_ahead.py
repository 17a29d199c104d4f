"""Engines that are loaded before anybody calls them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engines.calls import EnginePool, Placement
from tasks.engines.child import EngineProcess
from tasks.engines.engine import Engine
from tasks.errors import MachineFault
from tests.helpers.waiting import wait_until

ABSENT = Engine.of("absent", "tests.helpers.small_engines:load_what_is_not_there")


@pytest.fixture
def child() -> Iterator[EngineProcess]:
    made = EngineProcess(timeout_s=60)
    yield made
    made.close()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where engines note that they were loaded."""
    path = tmp_path / "notes"
    path.touch()
    return path


def make_noting(notes: Path, seconds: float = 0.0) -> Engine:
    return Engine.of("noting", "tests.helpers.small_engines:load_and_note", path=str(notes), seconds=seconds)


def test_an_engine_that_was_loaded_ahead_is_not_loaded_again(child: EngineProcess, notes: Path) -> None:
    child.load([make_noting(notes)])
    assert notes.read_text() == "loaded\n"
    assert child.call(make_noting(notes), "add").value == 1
    assert notes.read_text() == "loaded\n"


def test_one_that_cannot_be_loaded_holds_no_other_up_and_is_told_of_by_its_call(
    child: EngineProcess, notes: Path
) -> None:
    child.load([ABSENT, make_noting(notes)])
    assert notes.read_text() == "loaded\n"
    with pytest.raises(MachineFault, match="absent can't be loaded"):
        child.call(ABSENT, "add")


def test_where_the_child_ends_meanwhile_no_other_is_started(child: EngineProcess, notes: Path) -> None:
    thread = threading.Thread(target=child.load, args=[[make_noting(notes, 60.0), make_noting(notes)]])
    thread.start()
    wait_until(notes.read_text, 20)
    child.close()
    thread.join(20)
    assert not thread.is_alive()
    assert child.pid() is None
    assert notes.read_text() == "loaded\n"


def test_a_pool_loads_ahead_in_the_background_and_counts_no_call(notes: Path) -> None:
    pool = EnginePool(Placement(run_in="child", timeout_s=60, children=2))
    try:
        pool.preload([make_noting(notes)])
        wait_until(notes.read_text, 20)
        assert pool.count_calls() == 0
        assert pool.call(make_noting(notes), "add").value == 1  # in the child that has it
        assert notes.read_text() == "loaded\n"
    finally:
        pool.unload()


@pytest.mark.parametrize("placement", [Placement(run_in="process"), Placement(keep="one", run_in="child")])
def test_nothing_is_loaded_ahead_in_this_process_or_where_one_engine_is_kept(
    placement: Placement, notes: Path
) -> None:
    pool, before = EnginePool(placement), set(threading.enumerate())
    pool.preload([make_noting(notes)])
    assert set(threading.enumerate()) <= before
    assert notes.read_text() == ""
