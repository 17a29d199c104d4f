"""Memory that is free but still held, and how to hold less of it: what glibc keeps of what its threads freed."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""As <malloc.h> numbers them."""
ARENAS = 2
"""As many threads as that allocate at once without waiting for each other; the engines bring their own threads, which
hardly allocate."""
LARGE = 1 << 20
"""Bytes: from this size on a block goes back to the system as soon as it is freed. By itself glibc raises that to
32 MiB, the size of a chunk's arrays, which then stay where smaller ones hold them."""


def hold_less() -> None:
    """Have the C library keep less for its threads, where it can: without it the steps of chunks, which take turns in
    many threads, hold 300 MB more at their peak. Once a process, before its first work."""
    tune = _libc("mallopt", ctypes.c_int, ctypes.c_int)
    if tune is not None:
        tune(_M_ARENA_MAX, ARENAS)
        tune(_M_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Give free memory back to the system, where the C library can: else a day of chunks, whose steps take turns in
    many threads, keeps a little of each (600 MB were measured). Takes 30 ms."""
    trim = _libc("malloc_trim", ctypes.c_size_t)
    if trim is not None:
        trim(0)


@functools.cache
def _libc(name: str, *takes: type) -> Callable[..., int] | None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes, function.restype = list(takes), ctypes.c_int
    return function  # type: ignore[no-any-return]
