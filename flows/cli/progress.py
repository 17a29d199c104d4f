"""The run's progress on stderr: a bar where it can be drawn, else a plain line now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.cli.terminal import Terminal, plain
from flows.reporting.progress import Snapshot, format_duration

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY_S = 10.0
"""Plain lines are at least so far apart …"""
STILL_S = 60.0
"""… and at most so far, however long a step takes: a silent log looks like a dead run."""

Show = Callable[[Snapshot], None]


@contextmanager
def shown(terminal: Terminal, position: str = "") -> Iterator[Show]:
    """Something that shows snapshots until the context ends; before the first one it says "starting".

    `position`: which recording of how many this is, such as "2 of 7".
    """
    before = f"{position}  " if position else ""
    if not terminal.live:
        terminal.note(f"{before}starting …")
        lines = PlainLines(terminal, before)
        with _beating(lines):
            yield lines
        return
    with _bar(terminal) as bar:
        task = bar.add_task(f"{before}starting", total=None, info="Prefect and the engines, a few seconds")

        def show(now: Snapshot) -> None:
            completed, total = measure(now)
            bar.update(
                task,
                description=f"{before}{plain(now.source_name)}",
                completed=completed,
                total=total,
                info=details(now),
            )

        yield show


class PlainLines:
    """Prints a snapshot as one line, unless the last line is less than EVERY_S old."""

    def __init__(self, terminal: Terminal, before: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._before = before
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._last = clock() - EVERY_S
        self._began = clock()

    def __call__(self, now: Snapshot) -> None:
        with self._lock:
            self._latest = now
            if self._clock() - self._last >= EVERY_S:
                self._print("")

    def still(self) -> None:
        """Says what the latest snapshot said once more, where nothing was printed for STILL_S."""
        with self._lock:
            if self._clock() - self._last >= STILL_S:
                self._print(f"; still at work after {format_duration(self._clock() - self._began)}")

    def _print(self, after: str) -> None:
        self._last = self._clock()
        told = plain(self._latest.format_line()) if self._latest else "starting"
        self._terminal.note(self._before + told + after)


@contextmanager
def _beating(lines: PlainLines) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(5.0):
            lines.still()

    thread = threading.Thread(target=beat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def measure(now: Snapshot) -> tuple[float, float | None]:
    """How much of how much the bar shows; (0, None) where the stage has no measure."""
    if now.stage == "chunks" and now.steps:
        return now.steps_done, now.steps
    if now.stage == "speech map" and now.duration_s:
        return min(now.mapped_s, now.duration_s), now.duration_s
    return 0, None


def details(now: Snapshot) -> str:
    """What stands behind the bar."""
    if now.stage != "chunks":
        return plain(now.stage)
    parts = [f"chunk {min(now.chunks_done + 1, now.chunks)} of {now.chunks}"]
    if now.last_step:
        parts.append(f"{plain(now.last_step)} done")
    if now.speed:
        parts.append(f"{now.speed:.1f} × real time")
    if now.remaining_s is not None:
        parts.append(f"{format_duration(now.remaining_s)} left")
    return " · ".join(parts)


def _bar(terminal: Terminal) -> Progress:
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
