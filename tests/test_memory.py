"""What was freed is given back to the system, whichever thread had it."""

from __future__ import annotations

import platform
import threading
from pathlib import Path

import pytest

from tasks.memory import give_back


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what its threads freed")
def test_what_threads_have_freed_goes_back() -> None:
    def work(kept: list[bytes]) -> None:
        # Pieces too small to be mapped by themselves; the last one stays, and holds the thread's memory open.
        pieces = [bytes(50_000) for _ in range(1000)]
        together.wait()
        kept.append(pieces.pop())

    kept: list[bytes] = []
    together = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(kept,)) for _ in range(4)]
    before = resident_mb()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = resident_mb()
    give_back()
    assert held - before > 20
    assert resident_mb() - before < 0.5 * (held - before)
