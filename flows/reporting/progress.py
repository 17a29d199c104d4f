"""Progress of a recording, for listeners: the terminal's bar, Prefect's log, one progress artifact.

The flow reports to a `Progress`, which passes a `Snapshot` to its listeners after each change. A listener that raises
is removed: progress never stops a run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tasks.intervals import format_duration
from tasks.records import Word

log = logging.getLogger("daylong.progress")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of a run at one moment; times in seconds.

    `done_s`: recorded time of finished chunks; `mapped_s`: recorded time that has passed the speech map.
    """

    source_name: str
    stage: str
    """probe, speech map, plan, language, chunks, linking, seams, merging, translation, publishing or done."""
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
    """Since the chunks began; before that, since the run began."""

    @property
    def fraction(self) -> float:
        """Finished share of the chunks' steps, 0–1."""
        return self.steps_done / self.steps if self.steps else 0.0

    @property
    def steps_worked(self) -> int:
        """Finished steps that this run has done itself. Cached ones take no time, and tell nothing of the others."""
        return self.steps_done - self.steps_cached

    @property
    def speed(self) -> float | None:
        """Recorded seconds per second of work; None before the first step was done that was not cached."""
        worked_s = self.duration_s * self.steps_worked / self.steps if self.steps else 0.0
        return worked_s / self.elapsed_s if worked_s and self.elapsed_s else None

    @property
    def remaining_s(self) -> float | None:
        """Estimated seconds until the chunks are done, at the speed so far, if no further step is cached; None before
        the first was done that was not."""
        if not self.steps_worked:
            return None
        return self.elapsed_s * (self.steps - self.steps_done) / self.steps_worked

    def format_line(self) -> str:
        """Format the snapshot as one line for a log."""
        if self.stage != "chunks":
            return f"{self.source_name}: {self.stage}"
        speed = f", {self.speed:.1f} × real time" if self.speed else ""
        remaining = f", about {format_duration(self.remaining_s)} left" if self.remaining_s is not None else ""
        cached = f" ({self.steps_cached} cached)" if self.steps_cached else ""
        return (
            f"{self.source_name}: chunk {self.chunks_done} of {self.chunks} done, "
            f"step {self.steps_done} of {self.steps}{cached}{speed}{remaining}"
        )


Listener = Callable[[Snapshot], None]
_listeners: list[Listener] = []
WordListener = Callable[[Sequence[Word]], None]
_own_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("daylong_progress_listeners", default=())
_own_word_listeners: ContextVar[tuple[WordListener, ...]] = ContextVar("daylong_word_listeners", default=())


@contextmanager
def subscribe(listener: Listener) -> Iterator[None]:
    """Call `listener` with every snapshot of every run in this process, within the context."""
    _listeners.append(listener)
    try:
        yield
    finally:
        if listener in _listeners:
            _listeners.remove(listener)


@contextmanager
def subscribe_to_own(listener: Listener, on_words: WordListener | None = None) -> Iterator[None]:
    """Call `listener` with every snapshot of the runs that are begun within the context, and of no others.

    `on_words`: called with words as they become final, before anybody knows who speaks them. Where several runs share
    a process, a thread each, `subscribe` hears them all.
    """
    token = _own_listeners.set((*_own_listeners.get(), listener))
    words = _own_word_listeners.set((*_own_word_listeners.get(), *([on_words] if on_words else [])))
    try:
        yield
    finally:
        _own_listeners.reset(token)
        _own_word_listeners.reset(words)


def call_at_each_chunk(call: Callable[[], object]) -> Listener:
    """Create a listener that runs `call` when a stage begins or a chunk is done."""
    last = ("", 0)

    def on_snapshot(now: Snapshot) -> None:
        nonlocal last
        if (now.stage, now.chunks_done) != last:
            last = (now.stage, now.chunks_done)
            call()

    return on_snapshot


@dataclass(slots=True)
class Progress:
    """Progress of one recording's run; thread-safe. `listeners`: of this run alone."""

    source_name: str
    listeners: tuple[Listener, ...] = ()
    _state: dict[str, float | int | str] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _word_listeners: tuple[WordListener, ...] = field(default_factory=_own_word_listeners.get)

    def __post_init__(self) -> None:
        self.listeners = (*_own_listeners.get(), *self.listeners)

    def report_words(self, find: Callable[[], Sequence[Word]]) -> None:
        """Report words that have become final; they are looked for only where somebody listens for them."""
        if not self._word_listeners:
            return
        try:
            if words := find():
                for listener in self._word_listeners:
                    listener(words)
        except Exception:
            log.exception("words that have become final could not be told; no more are")
            self._word_listeners = ()

    def enter_stage(self, name: str, **facts: float | int) -> None:
        """Enter a stage; `facts` are fields of `Snapshot`. Entering "chunks" restarts the clock."""
        with self._lock:
            if name == "chunks":
                self._started = time.monotonic()
            self._state |= {"stage": name, **facts}
        self._notify()

    def count_step(self, step: str, cached: bool) -> None:
        """Count a finished step of a chunk."""
        self._add(steps_done=1, steps_cached=int(cached), last=step)

    def count_chunk(self, core_s: float) -> None:
        """Count a finished chunk, whose core is `core_s` seconds long."""
        self._add(chunks_done=1, done_s=core_s)

    def count_mapped(self, seconds: float) -> None:
        """Count so many more seconds that passed the speech map."""
        self._add(mapped_s=seconds)

    def take_snapshot(self) -> Snapshot:
        """The state at this moment."""
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
        self._notify()

    def _notify(self) -> None:
        now = self.take_snapshot()
        for listener in [*_listeners, *self.listeners]:
            try:
                listener(now)
            except Exception:
                log.exception("a progress listener failed and hears no more")
                self.listeners = tuple(each for each in self.listeners if each is not listener)
                if listener in _listeners:
                    _listeners.remove(listener)
