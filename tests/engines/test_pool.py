"""The engine pool: engines are loaded once, locked during a call, measured, unloaded."""

from __future__ import annotations

import threading

import pytest

from tasks.engines import calls
from tasks.engines.engine import Call
from tasks.engines.pool import Pool
from tasks.errors import EngineDied
from tests.helpers.small_engines import Counter, make_counter_engine


def test_an_engine_is_loaded_when_first_needed_and_once() -> None:
    pool, before = Pool(), Counter.loaded
    for _ in range(3):
        pool.call(make_counter_engine(), "add")
    assert Counter.loaded == before + 1
    assert pool.call(make_counter_engine(), "add").value == 4
    assert pool.calls == 4


def test_two_threads_never_are_inside_one_engine_and_their_waiting_is_measured() -> None:
    pool = Pool()
    pool.call(make_counter_engine(), "add")
    calls: list[Call] = []
    threads = [
        threading.Thread(target=lambda: calls.append(pool.call(make_counter_engine(), "add"))) for _ in range(6)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert pool.call(make_counter_engine(), "count_callers").value == 1
    assert sum(c.wait_s > 0.005 for c in calls) >= 4
    assert all(c.peak_mb > 1 for c in calls)


def test_different_engines_load_one_after_the_other_since_their_libraries_share_imports() -> None:
    pool = Pool()
    threads = [threading.Thread(target=pool.call, args=(make_counter_engine(k), "add")) for k in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert Counter.most_loading == 1


def test_with_room_for_one_engine_the_other_is_unloaded() -> None:
    pool = Pool(keep="one")
    pool.call(make_counter_engine(1), "add")
    pool.call(make_counter_engine(2), "add")
    assert pool.call(make_counter_engine(1), "add").value == 1  # it started again from nothing


def test_the_process_wide_seam_counts_its_calls() -> None:
    calls.configure()
    before = calls.count_calls()
    calls.call(make_counter_engine(3), "add")
    assert calls.count_calls() == before + 1


def test_the_seams_child_has_as_much_patience_as_was_said_last() -> None:
    calls.configure(run_in="child", timeout_s=60)
    try:
        assert calls.call(make_counter_engine(4), "add").value == 4
        calls.configure(run_in="child", timeout_s=0.5)
        with pytest.raises(EngineDied, match=r"within 0\.5 s"):
            calls.call(make_counter_engine(4), "hang")
    finally:
        calls.configure()
