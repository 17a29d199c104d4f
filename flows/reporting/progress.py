"""How far a recording is, told to whoever listens: the terminal's bar, Prefect's log, one progress artifact.

Steps report to a `Progress`; it makes `Snapshot`s, at most a few a second, and hands them to the listeners. A
listener that fails is dropped: progress never stops a run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

log = logging.getLogger("daylong.progress")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a run stands. Times in seconds; `done_s` is recorded time whose chunk is finished."""

    source_name: str
    stage: str
    """probe, speech map, plan, language, chunks, linking, seams, merging, publishing or done."""
    duration_s: float = 0.0
    done_s: float = 0.0
    mapped_s: float = 0.0
    chunks: int = 0
    chunks_done: int = 0
    steps: int = 0
    steps_done: int = 0
    steps_cached: int = 0
    last_step: str = ""
    """The step of a chunk that ended last, such as "transcription"."""
    elapsed_s: float = 0.0

    @property
    def fraction(self) -> float:
        """Of the chunks' steps, 0–1."""
        return self.steps_done / self.steps if self.steps else 0.0

    @property
    def speed(self) -> float | None:
        """Recorded seconds a second of work, None before anything is known."""
        done = self.duration_s * self.fraction
        return done / self.elapsed_s if done and self.elapsed_s else None

    @property
    def left_s(self) -> float | None:
        """Seconds that the chunks will take from now, at the speed so far."""
        if not self.fraction:
            return None
        return self.elapsed_s * (1 - self.fraction) / self.fraction

    def line(self) -> str:
        """The same facts as one line for a log."""
        if self.stage != "chunks":
            return f"{self.source_name}: {self.stage}"
        speed = f", {self.speed:.1f} × real time" if self.speed else ""
        left = f", about {clock_time(self.left_s)} left" if self.left_s is not None else ""
        cached = f" ({self.steps_cached} cached)" if self.steps_cached else ""
        return (
            f"{self.source_name}: chunk {self.chunks_done} of {self.chunks} done, "
            f"step {self.steps_done} of {self.steps}{cached}{speed}{left}"
        )


def clock_time(seconds: float) -> str:
    """Seconds as people say them.

    >>> clock_time(9.4), clock_time(75), clock_time(7384)
    ('9 s', '1 min 15 s', '2 h 03 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


Listener = Callable[[Snapshot], None]
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear every snapshot of every run in this process for a while."""
    _listeners.append(listener)
    try:
        yield
    finally:
        if listener in _listeners:
            _listeners.remove(listener)


def at_each_chunk(act: Callable[[], object]) -> Listener:
    """Hears when a stage begins or a chunk is done, and does this then."""
    last = ("", 0)

    def hear(now: Snapshot) -> None:
        nonlocal last
        if (now.stage, now.chunks_done) != last:
            last = (now.stage, now.chunks_done)
            act()

    return hear


@dataclass(slots=True)
class Progress:
    """The state of one recording's run. Safe to report to from many threads."""

    source_name: str
    own: tuple[Listener, ...] = ()
    _state: dict[str, float | int | str] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stage(self, name: str, **facts: float | int) -> None:
        """Enter a stage; `facts` are fields of Snapshot. The clock of the chunks starts with their stage."""
        with self._lock:
            if name == "chunks":
                self._started = time.monotonic()
            self._state |= {"stage": name, **facts}
        self._tell()

    def step_done(self, step: str, cached: bool) -> None:
        self._add(steps_done=1, steps_cached=int(cached), last=step)

    def chunk_done(self, core_s: float) -> None:
        self._add(chunks_done=1, done_s=core_s)

    def mapped(self, seconds: float) -> None:
        """So many more seconds went through the speech map."""
        self._add(mapped_s=seconds)

    def snapshot(self) -> Snapshot:
        with self._lock:
            state = dict(self._state)
        state.setdefault("stage", "probe")
        return Snapshot(self.source_name, elapsed_s=time.monotonic() - self._started, **state)  # type: ignore[arg-type]

    def _add(self, last: str = "", **amounts: float) -> None:
        with self._lock:
            for name, amount in amounts.items():
                self._state[name] = self._state.get(name, 0) + amount  # type: ignore[operator]
            if last:
                self._state["last_step"] = last
        self._tell()

    def _tell(self) -> None:
        now = self.snapshot()
        for listener in [*_listeners, *self.own]:
            try:
                listener(now)
            except Exception:
                log.exception("a progress listener failed and hears no more")
                self.own = tuple(each for each in self.own if each is not listener)
                if listener in _listeners:
                    _listeners.remove(listener)
