"""What runs are called in Prefect, and times as people read them."""

from __future__ import annotations

import copy
from pathlib import PurePath
from typing import Any, TypeVar
from uuid import UUID

from prefect import Task
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from tasks.audio.folder import decode_path
from tasks.intervals import Span, format_clock
from tasks.text import replace_unprintable

T = TypeVar("T", bound=Task[..., Any])

LONGEST = 120
"""Characters of a file's name that a run is called by; Prefect's lists show fewer."""


def run_name() -> str:
    """A run's name at its start, when nothing is known but the parameter `source`."""
    return name_of(decode_path(str(flow_run.parameters.get("source", ""))).name)


def name_of(file: str) -> str:
    """A file's stem, printable and not too long.

    >>> name_of("meeting-2026-11-20.wav")
    'meeting-2026-11-20'
    """
    return printable(PurePath(file).stem)[:LONGEST] or "recording"


def printable(text: str) -> str:
    """Text of strangers that a log, a list or a page can show on one line.

    >>> printable("a\\nb\\udce9")
    'a�b�'
    """
    return replace_unprintable(text)


def rename(run: UUID, name: str, duration_s: float) -> None:
    """Call a run by its recording's name and length, once that is known: `meeting-2026-11-20 · 24:00:13`."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_name(run, f"{name} · {format_clock(duration_s)}")


def named(task: Task[..., Any], doing: str, index: int, of: int, span: Span, channel: int | None) -> Task[..., Any]:
    """The task with its run's name: `transcribe 07/118 · 01:12:00 – 01:24:41`."""
    number = f"{index + 1:0{len(str(of))}}/{of}"
    where = "" if channel is None else f" · channel {channel + 1}"
    return called(task, f"{doing} {number} · {format_clock(span.start_s)} – {format_clock(span.end_s)}{where}")


def called(task: T, name: str) -> T:
    """The task with its runs' name; `with_options` would read its source again each time, some milliseconds."""
    same = copy.copy(task)
    same.task_run_name = name
    return same
