"""Memory: what to do where there isn't enough, and how to hold less of what is free (what glibc keeps for its
threads)."""

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

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""As <malloc.h> numbers them."""
ARENAS = 2
"""As many threads as that allocate at once without waiting for each other; the engines bring their own threads, which
hardly allocate."""
LARGE = 1 << 20
"""Bytes: from this size on a block goes back to the system as soon as it is freed. By itself glibc raises that to
32 MiB, the size of a chunk's arrays, which then stay where smaller ones hold them."""

LOOK_S = 0.05
"""Between two looks at memory: engines hold what they take for longer."""


LESS = "Close what else uses the device, take a smaller model, or set device = cpu, models.keep = one."


def hold_less() -> None:
    """Have the C library keep less for its threads, where it can: without it the steps of chunks, which take turns in
    many threads, hold 300 MB more at their peak. Once a process, before its first work."""
    tune = _libc("mallopt", ctypes.c_int, ctypes.c_int)
    if tune is not None:
        tune(_M_ARENA_MAX, ARENAS)
        tune(_M_MMAP_THRESHOLD, LARGE)


def halving(work: Callable[[int], T], size: int, what: str) -> T:
    """`work(size)`, where memory runs out with half the size, and so on down to 1.

    Raises `OutOfMemory`, naming `what`, where even 1 is too much; any other error rises as it is.
    """
    while True:
        try:
            return work(size)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if size <= 1:
                raise OutOfMemory(f"{what}: out of memory, even for the smallest piece. {LESS}") from error
        # Outside of `except`: the error's traceback holds the arrays of the call that failed.
        size = max(1, size // 2)
        log.warning("%s: out of memory; goes on with %d at a time", what, size)
        free_device_memory()


@contextmanager
def told_of_memory(what: str) -> Iterator[None]:
    """Raises `OutOfMemory`, naming `what`, for any library's way of saying so: it is worth another try."""
    try:
        yield
    except OutOfMemory:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"{what}: out of memory. {LESS}") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library said so: torch, CTranslate2 and NumPy each have their own way."""
    if isinstance(error, (MemoryError, OutOfMemory)):
        return True
    said = str(error).lower()
    # The last: cuBLAS's, cuDNN's and cuFFT's, in torch and in CTranslate2.
    told = ("out of memory", "can't allocate memory", "bad_alloc", "_alloc_failed")
    return isinstance(error, RuntimeError) and any(words in said for words in told)


def free_device_memory() -> None:
    """Give cached GPU memory back, where torch is loaded at all."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def give_back() -> None:
    """Give free memory back to the system, where the C library can: else a day of chunks, whose steps take turns in
    many threads, keeps a little of each (600 MB were measured). Takes 30 ms."""
    trim = _libc("malloc_trim", ctypes.c_size_t)
    if trim is not None:
        trim(0)


@contextmanager
def watched() -> Iterator[Callable[[], float]]:
    """Look at this process's memory for as long as the block runs; what is given tells the most of it so far, MiB.

    Several may watch at once: what the kernel keeps as a process's peak is one number for all of its life.
    """
    most, over = [resident_mb()], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
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
def _libc(name: str, *takes: type) -> Callable[..., int] | None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes, function.restype = list(takes), ctypes.c_int
    return function  # type: ignore[no-any-return]
