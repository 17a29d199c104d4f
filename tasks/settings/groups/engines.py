"""Settings of engines in memory and of the cache."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings.groups.group import Group


class ModelsSettings(Group):
    keep: Literal["all", "one"] = Field(
        "all", description="Engines held in memory at a time: all, or one (for small GPUs)."
    )
    run_in: Literal["process", "child", "shared"] = Field(
        "child",
        description="child: run engines in one persistent child process, which is replaced if it dies or hangs; "
        "process: in this process; shared: in one process for all programs of this user on this machine, so that "
        "none loads a second copy.",
    )
    patience: float = Field(
        10.0,
        ge=0.1,
        le=1000,
        description="Unless run_in = process: so many times a chunk's longest length may an engine's call take (and "
        "ten minutes at least) before its process is replaced.",
    )
    processes: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Unless run_in = process: so many processes, each with its own engines, work side by side; more "
        "than chunks_in_flight have nothing to do. Left out: one, or one for each GPU that device names.",
    )
    idle_minutes: float | None = Field(
        None,
        ge=0.1,
        le=10_000,
        description="An engine that was not needed for so long is unloaded, and a process whose engines were not is "
        "ended, minutes; both start again when they are needed. Left out: they stay as long as the program; "
        "where run_in = shared, the process ends ten minutes after the last program that asked it.",
    )


class CacheSettings(Group):
    store: str | None = Field(
        None,
        description="Where large values are kept: a folder or an fsspec URL. Default: data/cache/artifacts.",
    )
