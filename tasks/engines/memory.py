"""Memory: recognising and handling shortage, measuring use, and limiting what glibc keeps for its threads."""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tasks.errors import OutOfMemory

log = logging.getLogger("daylong.memory")

T = TypeVar("T")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Parameter numbers of mallopt() in <malloc.h>."""
ARENAS = 2
"""Threads that can allocate at once without contention; the engines' own threads hardly allocate."""
LARGE = 1 << 20
"""Bytes: from this size on a block goes back to the system as soon as it is freed. By itself glibc raises that to
32 MiB, the size of a chunk's arrays, which then stay where smaller ones hold them."""

KEPT = 1 << 30
"""Bytes: in a process of engines, smaller blocks stay when they are freed."""
MOST_OF_OLD_LIBRARIES = 32 << 20
"""Bytes: the highest mmap threshold that glibc before 2.35 takes."""

SAMPLING_INTERVAL_S = 0.05
"""Seconds between two samples of memory use; engines hold their allocations for longer."""


MEMORY_ADVICE = "Close what else uses the device, take a smaller model, or set device = cpu, models.keep = one."


def limit_heap_growth() -> None:
    """Limit the number of malloc arenas and the mmap threshold, where the C library allows it: otherwise steps that
    move between threads hold 300 MB more at their peak. Call once a process, before its first work."""
    tune = _find_libc_function("mallopt", ctypes.c_int, ctypes.c_int)
    if tune is not None:
        tune(_M_ARENA_MAX, ARENAS)
        tune(_M_MMAP_THRESHOLD, LARGE)


def keep_heap_within_calls() -> None:
    """Let a process of engines keep what its calls free, where the C library allows it; `trim_heap` returns it after
    each call. Otherwise every array of a network is mapped anew, and the kernel's clearing of its pages takes a third
    of all processor time (`python -m tests.benchmarks.heap`). Call once a process, before its first work."""
    tune = _find_libc_function("mallopt", ctypes.c_int, ctypes.c_int)
    if tune is not None:
        tune(_M_ARENA_MAX, 1)  # only the main arena holds blocks of any size
        tune(_M_MMAP_THRESHOLD, KEPT) or tune(_M_MMAP_THRESHOLD, MOST_OF_OLD_LIBRARIES)
        tune(_M_TRIM_THRESHOLD, KEPT)


def run_halving_batch(work: Callable[[int], T], size: int, what: str) -> T:
    """Return `work(size)`; on running out of memory, retry with half the size, down to 1.

    Raises `OutOfMemory`, naming `what`, where even 1 is too much; any other error rises as it is.
    """
    while True:
        try:
            return work(size)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if size <= 1:
                raise OutOfMemory(f"{what}: out of memory, even for the smallest piece. {MEMORY_ADVICE}") from error
        # Outside of `except`: the error's traceback holds the arrays of the call that failed.
        size = max(1, size // 2)
        log.warning("%s: out of memory; goes on with %d at a time", what, size)
        free_device_memory()


@contextmanager
def translate_memory_errors(what: str) -> Iterator[None]:
    """Translate any library's out-of-memory error into `OutOfMemory`, a transient error that names `what`."""
    try:
        yield
    except OutOfMemory:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"{what}: out of memory. {MEMORY_ADVICE}") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out: torch, CTranslate2 and NumPy each signal it differently."""
    if isinstance(error, (MemoryError, OutOfMemory)):
        return True
    said = str(error).lower()
    # The last: cuBLAS's, cuDNN's and cuFFT's, in torch and in CTranslate2.
    signs = ("out of memory", "can't allocate memory", "bad_alloc", "_alloc_failed")
    return isinstance(error, RuntimeError) and any(words in said for words in signs)


def free_device_memory() -> None:
    """Release torch's cached GPU memory, if torch is loaded."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def trim_heap() -> None:
    """Return free heap memory to the system (malloc_trim), where the C library has it: otherwise a day of chunks,
    whose steps move between threads, accumulates about 600 MB. Takes 30 ms."""
    trim = _find_libc_function("malloc_trim", ctypes.c_size_t)
    if trim is not None:
        trim(0)


@contextmanager
def track_peak_memory() -> Iterator[Callable[[], float]]:
    """Sample this process's resident memory during the block; yields a function that returns the peak so far in MiB.

    Blocks may overlap; the kernel's own peak value covers the whole life of the process.
    """
    most, over = [resident_mb()], threading.Event()

    def look() -> None:
        while not over.wait(SAMPLING_INTERVAL_S):
            most[0] = max(most[0], resident_mb())

    watch = threading.Thread(target=look, name="daylong-memory", daemon=True)
    watch.start()
    try:
        yield lambda: max(most[0], resident_mb())
    finally:
        over.set()
        watch.join()


def resident_mb() -> float:
    """Resident memory of this process, MiB: now, or where the system has no /proc, its peak so far."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


@functools.cache
def _find_libc_function(name: str, *takes: type) -> Callable[..., int] | None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes, function.restype = list(takes), ctypes.c_int
    return function  # type: ignore[no-any-return]
