"""The run's progress on stderr: a bar where it can be drawn, else occasional plain lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.cli.terminal import Terminal, escape
from flows.reporting.progress import Snapshot
from tasks.intervals import format_duration

if TYPE_CHECKING:
    from rich.progress import Progress

MIN_INTERVAL_S = 10.0
"""Least seconds between two plain lines."""
MAX_INTERVAL_S = 60.0
"""Most seconds between two plain lines, however long a step takes: a silent log looks like a dead run."""

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
    with _make_bar(terminal) as bar:
        task = bar.add_task(f"{before}starting", total=None, info="Prefect and the engines, a few seconds")

        def show(now: Snapshot) -> None:
            completed, total = measure_progress(now)
            bar.update(
                task,
                description=f"{before}{escape(now.source_name)}",
                completed=completed,
                total=total,
                info=format_details(now),
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


def measure_progress(now: Snapshot) -> tuple[float, float | None]:
    """Return (completed, total) for the bar; (0, None) for a stage without a measure."""
    if now.stage == "chunks" and now.steps:
        return now.steps_done, now.steps
    if now.stage == "speech map" and now.duration_s:
        return min(now.mapped_s, now.duration_s), now.duration_s
    return 0, None


def format_details(now: Snapshot) -> str:
    """Format the text beside the bar."""
    if now.stage != "chunks":
        return escape(now.stage)
    parts = [f"chunk {min(now.chunks_done + 1, now.chunks)} of {now.chunks}"]
    if now.last_step:
        parts.append(f"{escape(now.last_step)} done")
    if now.speed:
        parts.append(f"{now.speed:.1f} × real time")
    if now.remaining_s is not None:
        parts.append(f"{format_duration(now.remaining_s)} left")
    return " · ".join(parts)


def _make_bar(terminal: Terminal) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[info]}", markup=False),
        console=terminal.err,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
