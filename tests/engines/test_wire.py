"""Values arrive as they were sent, however large their arrays."""

from __future__ import annotations

import os
import threading
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.engines import wire
from tasks.engines.wire import Wire


def sent(value: Any) -> Any:
    """What arrives at the other end."""
    one, other = map(Wire, Pipe())
    arrived: list[Any] = []
    reader = threading.Thread(target=lambda: arrived.append(other.receive()))
    reader.start()
    one.send(value)
    reader.join(10)
    one.close()
    other.close()
    return arrived[0]


arrays = st.builds(
    lambda n, kind, seed: np.random.default_rng(seed).integers(0, 100, n).astype(kind),
    st.integers(0, 200_000), st.sampled_from(["float32", "int16", "float64", "bool"]), st.integers(0, 9),
)  # fmt: skip


@given(st.lists(arrays, max_size=4), st.text())
@settings(max_examples=30)
def test_values_arrive_as_they_were(held: list[np.ndarray], text: str) -> None:
    back = sent({"text": text, "arrays": held})
    assert back["text"] == text
    assert len(back["arrays"]) == len(held)
    for before, after in zip(held, back["arrays"], strict=True):
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_what_arrives_may_be_written_to_and_is_nobody_elses(size: int) -> None:
    before = np.arange(size, dtype=np.float32)
    after = sent(before)
    after += 1
    assert after[3] == 4
    assert before[3] == 3


def test_parts_of_an_array_and_columns_of_one_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.arange(2_000_000, dtype=np.float32).reshape(2, -1)
    for part in (table[:, 5:500_005], table.T, table[1, ::2]):
        np.testing.assert_array_equal(sent(part), part)
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on systems that have none
    np.testing.assert_array_equal(sent([table, table[0]])[1], table[0])


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="a system that isn't Linux")
def test_no_handle_is_left_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        assert len(sent(np.zeros(wire.SHARED, np.uint8))) == wire.SHARED
    assert len(os.listdir("/proc/self/fd")) <= before + 1
