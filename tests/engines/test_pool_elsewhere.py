"""A pool in another process: one of the same placement, whatever crosses there."""

from __future__ import annotations

import pickle
import subprocess
import sys

from tasks.engines import calls
from tasks.engines.calls import EnginePool, Placement, find_pool
from tasks.engines.child import make_environment
from tests.helpers.small_engines import make_counter_engine

READ_TWICE = """
import pickle, sys
from tasks.engines.calls import default_pool
first, second = (pickle.loads(bytes.fromhex(text)) for text in sys.argv[1:])
print(first is second, first is default_pool, first.placement.timeout_s, first.placement.run_in)
"""


def test_in_its_own_process_a_pool_stays_itself() -> None:
    pool = EnginePool(Placement(timeout_s=7.0))
    assert pickle.loads(pickle.dumps(pool)) is pool
    assert pickle.loads(pickle.dumps(calls.default_pool)) is calls.default_pool


def test_in_another_process_all_that_comes_is_one_pool() -> None:
    crossing = [pickle.dumps(EnginePool(Placement(run_in="child", timeout_s=7.0))).hex() for _ in range(2)]
    said = subprocess.run(
        [sys.executable, "-P", "-c", READ_TWICE, *crossing], env=make_environment(), capture_output=True, text=True
    )
    assert said.stdout.split() == ["True", "False", "7.0", "child"], said.stderr


def test_engines_of_another_placement_are_given_back_once_nobody_calls_them() -> None:
    counter = make_counter_engine(12)
    first = find_pool("of another process", Placement(timeout_s=8.0))
    assert [first.call(counter, "add").value for _ in range(2)] == [12, 24]
    find_pool("of another process", Placement(timeout_s=9.0))
    assert find_pool("of a third process", Placement(timeout_s=8.0)) is first
    assert first.call(counter, "add").value == 12
