"""Device failures: distinguished from calls that a device refuses; the process is replaced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.engines.child import EngineProcess
from tasks.engines.device_errors import find_device_error, translate_device_errors
from tasks.engines.engine import Engine
from tasks.engines.pool import Pool
from tasks.errors import DeviceBroken, EngineDied, is_transient
from tests.helpers.small_engines import expect_repeated_call, make_counter_engine

ILLEGAL = """CUDA error: an illegal memory access was encountered
CUDA kernel errors might be asynchronously reported at some other API call.
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions."""


@pytest.fixture
def child() -> Iterator[EngineProcess]:
    made = EngineProcess(timeout_s=20)
    yield made
    made.close()


@pytest.mark.parametrize(
    "said",
    [
        ILLEGAL,
        "CUDA failed with error unspecified launch failure",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle, opa, opb, m, n, k)`",
        "cuBLAS failed with status CUBLAS_STATUS_NOT_INITIALIZED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR",
        "cuDNN failed with status CUDNN_STATUS_EXECUTION_FAILED",
        "CUDA unknown error - this may be due to an incorrectly set up environment",
        "No CUDA GPUs are available",
    ],
)
def test_each_library_has_its_own_words_for_a_device_that_failed(said: str) -> None:
    with pytest.raises(DeviceBroken) as told, translate_device_errors("the engine"):
        raise RuntimeError(said)
    first = said.splitlines()[0]
    assert str(told.value) == f"the engine: its device failed ({first}). See nvidia-smi, or set device = cpu."


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: invalid configuration argument"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. Is the input contiguous?"),
        RuntimeError("CUDA failed with error out of memory"),
        RuntimeError("shapes differ"),
        ValueError("CUDA error: the settings'"),
    ],
)
def test_what_a_device_that_is_well_refuses_is_none_of_these(error: Exception) -> None:
    assert find_device_error(error) is None
    with pytest.raises(type(error)) as same, translate_device_errors("the engine"):
        raise error
    assert same.value is error


def test_values_that_the_device_cannot_take_are_not_said_to_be_the_machines_fault() -> None:
    with pytest.raises(EngineDied) as told, translate_device_errors("the engine"):
        raise RuntimeError("CUDA error: device-side assert triggered")
    assert not isinstance(told.value, DeviceBroken)


@pytest.mark.parametrize("said", [ILLEGAL, "CUDA error: device-side assert triggered"])
def test_a_child_whose_device_failed_is_replaced(child: EngineProcess, said: str) -> None:
    child.call(make_counter_engine(), "add")
    before = child.pid()
    with pytest.raises(EngineDied, match=r"test/counter-1: its device failed .CUDA error:") as told:
        child.call(make_counter_engine(), "break_device", said)
    assert is_transient(told.value)
    assert child.call(make_counter_engine(), "add").value == 1
    assert child.pid() != before


def test_a_child_whose_device_refused_a_call_lives_on(child: EngineProcess) -> None:
    child.call(make_counter_engine(), "add")
    with pytest.raises(RuntimeError, match="invalid argument"):
        child.call(make_counter_engine(), "fail", "CUDA error: invalid argument")
    assert child.call(make_counter_engine(), "add").value == 2


def test_an_engine_that_cannot_be_loaded_for_that_is_tried_again(child: EngineProcess) -> None:
    for where in (Pool(), child):
        with pytest.raises(DeviceBroken, match="test/broken: its device failed"):
            where.call(Engine.of("test/broken", "tests.helpers.small_engines:load_on_broken_device"), "add")


@pytest.mark.parametrize("told_after_s", [0.0, 2.0], ids=["in the midst of it", "which has met it first"])
def test_a_call_that_breaks_the_device_takes_no_other_along(child: EngineProcess, told_after_s: float) -> None:
    with expect_repeated_call(child), pytest.raises(DeviceBroken, match="counter-2"):
        child.call(make_counter_engine(2), "break_device", ILLEGAL, told_after_s)
