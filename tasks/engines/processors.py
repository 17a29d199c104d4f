"""How many CPU cores an engine may use."""

from __future__ import annotations

import os


def count_cores() -> int:
    """Count the CPU cores available to this process (a container often has fewer than the machine)."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
