"""The progress of downloads on stderr: a bar where it can be drawn, else a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.cli.progress import EVERY_S
from flows.cli.terminal import Terminal
from flows.reporting.progress import format_duration
from tasks.weights.downloads import Advance


@contextmanager
def shown(terminal: Terminal, name: str, total: int) -> Iterator[Advance]:
    """Something that is told of bytes as they arrive, until the context ends. `total` is what is expected."""
    if not terminal.live:
        yield plain_lines(terminal, name, total)
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal.err,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task(name, total=total)
        yield lambda arrived: bar.advance(task, arrived)


def plain_lines(
    terminal: Terminal, name: str, total: int, clock: Callable[[], float] = time.monotonic
) -> Callable[[int], None]:
    """Prints one line at the start, then at most one every EVERY_S seconds."""
    terminal.note(f"{name}: {size(total)} …")
    began = last = clock()
    done = 0

    def advance(arrived: int) -> None:
        nonlocal done, last
        done += arrived
        now = clock()
        if now - last < EVERY_S or done <= 0:
            return
        last = now
        left = format_duration((total - done) * (now - began) / done)
        terminal.note(f"{name}: {size(done)} of {size(total)}, {left} left")

    return advance


def size(count: float) -> str:
    """Bytes as people say them.

    >>> size(2_240_000_000), size(487_600_000), size(38_100), size(400)
    ('2.24 GB', '488 MB', '38 kB', '400 B')
    """
    for unit, of, digits in (("GB", 1e9, 2), ("MB", 1e6, 0), ("kB", 1e3, 0)):
        if round(count / of, digits) >= 1:
            return f"{count / of:.{digits}f} {unit}"
    return f"{count:.0f} B"
