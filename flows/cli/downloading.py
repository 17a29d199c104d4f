"""The progress of downloads on stderr: a bar where it can be drawn, else occasional plain lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.cli.progress import MIN_INTERVAL_S
from flows.cli.terminal import Terminal
from tasks.intervals import format_duration
from tasks.weights.downloads import Advance


@contextmanager
def show_download(terminal: Terminal, name: str, total: int) -> Iterator[Advance]:
    """Yield a function that is called with the number of bytes of each arrival. `total`: the expected bytes."""
    if not terminal.live:
        yield make_plain_progress(terminal, name, total)
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


def make_plain_progress(
    terminal: Terminal, name: str, total: int, clock: Callable[[], float] = time.monotonic
) -> Callable[[int], None]:
    """Make a function that prints one line every `MIN_INTERVAL_S` seconds at most; one is printed at once."""
    terminal.note(f"{name}: {format_size(total)} …")
    began = last = clock()
    done = 0

    def advance(arrived: int) -> None:
        nonlocal done, last
        done += arrived
        now = clock()
        if now - last < MIN_INTERVAL_S or done <= 0:
            return
        last = now
        left = format_duration((total - done) * (now - began) / done)
        terminal.note(f"{name}: {format_size(done)} of {format_size(total)}, {left} left")

    return advance


def format_size(count: float) -> str:
    """Format a number of bytes in decimal units.

    >>> format_size(2_240_000_000), format_size(487_600_000), format_size(38_100), format_size(400)
    ('2.24 GB', '488 MB', '38 kB', '400 B')
    """
    for unit, of, digits in (("GB", 1e9, 2), ("MB", 1e6, 0), ("kB", 1e3, 0)):
        if round(count / of, digits) >= 1:
            return f"{count / of:.{digits}f} {unit}"
    return f"{count:.0f} B"
