"""Names of flow runs and task runs in Prefect."""

from __future__ import annotations

import copy
from pathlib import PurePath
from typing import Any, TypeVar
from uuid import UUID

from prefect import Task
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows.serving.locked_database import ask_again_soon
from tasks.audio.folder import decode_path
from tasks.intervals import Span, format_clock
from tasks.text import replace_unprintable

T = TypeVar("T", bound=Task[..., Any])

MAX_LENGTH = 120
"""Greatest length of a run's name in characters; Prefect's lists show fewer."""


def name_run() -> str:
    """Name a run at its start, by its parameter `source`."""
    return format_run_name(decode_path(str(flow_run.parameters.get("source", ""))).name)


def format_run_name(file: str) -> str:
    """Format a run's name: the file's stem, printable and of limited length.

    >>> format_run_name("meeting-2026-11-20.wav")
    'meeting-2026-11-20'
    """
    return make_printable(PurePath(file).stem)[:MAX_LENGTH] or "recording"


def make_printable(text: str) -> str:
    """Replace what is not printable, so that untrusted text fits on one line of a log, list or page.

    >>> make_printable("a\\nb\\udce9")
    'a�b�'
    """
    return replace_unprintable(text)


def rename_run(run: UUID, name: str, duration_s: float) -> None:
    """Rename a run by its recording's name and length, once known: `meeting-2026-11-20 · 24:00:13`."""
    with get_client(sync_client=True) as client:
        ask_again_soon(lambda: client.set_flow_run_name(run, f"{name} · {format_clock(duration_s)}"))


def name_chunk_task(task: T, index: int, of: int, span: Span) -> T:
    """Copy a task with its runs named after a chunk: `chunk 07/118 · 01:12:00 – 01:24:41`.

    `index`: of the chunk, from 0; `of`: number of chunks; `span`: its core.
    """
    number = f"{index + 1:0{len(str(of))}}/{of}"
    return name_task(task, f"chunk {number} · {format_clock(span.start_s)} – {format_clock(span.end_s)}")


def name_task(task: T, name: str) -> T:
    """Copy a task with its runs named `name`; `with_options` would parse its source again, some milliseconds each."""
    copied = copy.copy(task)
    copied.task_run_name = name
    return copied
