"""Settings of engines in memory and of the cache."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings.groups.group import Group


class ModelsSettings(Group):
    keep: Literal["all", "one"] = Field(
        "all", description="Engines held in memory at a time: all, or one (for small GPUs)."
    )
    run_in: Literal["process", "child"] = Field(
        "child",
        description="Run engines in one persistent child process, which is replaced if it dies or hangs, or in this "
        "process.",
    )
    patience: float = Field(
        10.0,
        ge=0.1,
        le=1000,
        description="With run_in = child: so many times a chunk's longest length may an engine's call take (and ten "
        "minutes at least) before its process is replaced.",
    )
    processes: int | None = Field(
        None,
        ge=1,
        le=64,
        description="With run_in = child: so many processes, each with its own engines, work side by side; more than "
        "chunks_in_flight have nothing to do. Left out: one, or one for each GPU that device names.",
    )
    idle_minutes: float | None = Field(
        None,
        ge=0.1,
        le=10_000,
        description="An engine that was not needed for so long is unloaded, and a process whose engines were not is "
        "ended, minutes; both start again when they are needed. Left out: they stay as long as the program.",
    )


class CacheSettings(Group):
    store: str | None = Field(
        None,
        description="Where large values are kept: a folder or an fsspec URL. Default: data/cache/artifacts.",
    )
