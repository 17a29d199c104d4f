"""The run's progress on stderr: a bar where it can be drawn, else occasional plain lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.cli.bar import (
    BAR_WIDTH,
    MIN_WIDTH_WITH_BAR,
    SPINNER_CELLS,
    fit_line,
    list_details,
    measure_progress,
)
from flows.cli.terminal import Terminal, escape
from flows.reporting.progress import Snapshot
from tasks.intervals import format_duration

if TYPE_CHECKING:
    from rich.progress import Progress

MIN_INTERVAL_S = 10.0
"""Least seconds between two plain lines."""
MAX_INTERVAL_S = 60.0
"""Most seconds between two plain lines, however long a step takes: a silent log looks like a dead run."""

STARTING = [(2, "Prefect and the engines"), (1, "a few seconds")]
"""What is shown beside the bar before the first snapshot, as `list_details` returns it."""

ShowSnapshot = Callable[[Snapshot], None]


@contextmanager
def show_progress(terminal: Terminal, position: str = "") -> Iterator[ShowSnapshot]:
    """Yield a function that shows snapshots; before the first one, "starting" is shown.

    `position`: which recording of how many this is, such as "2 of 7".
    """
    before = f"{position}  " if position else ""
    if not terminal.live:
        terminal.note(f"{before}starting …")
        lines = PlainLines(terminal, before)
        with _repeat_in_background(lines):
            yield lines
        return
    drawn = terminal.err.width >= MIN_WIDTH_WITH_BAR

    def fit(name: str, details: list[tuple[int, str]]) -> dict[str, str]:
        width = terminal.err.width - SPINNER_CELLS - (BAR_WIDTH + 1 if drawn else 0)
        description, info = fit_line(name, details, width, position)
        return {"description": description, "info": info}

    with _make_bar(terminal, drawn=drawn) as bar:
        task = bar.add_task(total=None, **fit("starting", STARTING))  # type: ignore[arg-type]

        def show(now: Snapshot) -> None:
            completed, total = measure_progress(now)
            bar.update(
                task,
                completed=completed,
                total=total,
                **fit(escape(now.source_name), list_details(now)),  # type: ignore[arg-type]
            )

        yield show


class PlainLines:
    """Print a snapshot as one line, unless the last line is less than `MIN_INTERVAL_S` old."""

    def __init__(self, terminal: Terminal, before: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._before = before
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._last = clock() - MIN_INTERVAL_S
        self._began = clock()

    def __call__(self, now: Snapshot) -> None:
        with self._lock:
            self._latest = now
            if self._clock() - self._last >= MIN_INTERVAL_S:
                self._print("")

    def repeat(self) -> None:
        """Print the latest snapshot again if nothing was printed for `MAX_INTERVAL_S`."""
        with self._lock:
            if self._clock() - self._last >= MAX_INTERVAL_S:
                self._print(f"; still at work after {format_duration(self._clock() - self._began)}")

    def _print(self, after: str) -> None:
        self._last = self._clock()
        line = escape(self._latest.format_line()) if self._latest else "starting"
        self._terminal.note(self._before + line + after)


@contextmanager
def _repeat_in_background(lines: PlainLines) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(5.0):
            lines.repeat()

    thread = threading.Thread(target=beat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _make_bar(terminal: Terminal, *, drawn: bool) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        *([BarColumn(bar_width=BAR_WIDTH)] if drawn else []),
        TextColumn("{task.fields[info]}", markup=False),
        console=terminal.err,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
