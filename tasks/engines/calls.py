"""Where engines run: a pool in this process, or persistent child processes, each with a GPU of its own if there are
several.

`EnginePool.call(engine, method, …)` loads the engine if it isn't, waits for its lock, runs the method, and says what
that took. Arguments and values are plain data and NumPy arrays, because they may have to cross to a child process.
Steps are handed a pool in their context (`tasks.step.StepContext`). Most processes have one pool, `default_pool`,
which `configure` sets up; a server, or a second run in one process, may have its own.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

from tasks.engines import registry
from tasks.engines.child import EngineProcess
from tasks.engines.engine import Call, Engine, Keep, Where
from tasks.engines.idle import watch
from tasks.engines.pool import Pool
from tasks.engines.shared import SharedEngines

log = logging.getLogger("daylong.models")

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
"""The variable by which CUDA, and so every engine, knows its GPUs."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where engines run, and how many stay loaded.

    `timeout_s` bounds one call in a child (None: no bound); a call that takes longer ends the child and raises
    `EngineDied`. `children`: how many, None for one, or one for each of `gpus` (numbers, as CUDA counts them). An
    engine is given back when it was not called for `idle_s` seconds (None: never), and a child with all its engines.
    """

    keep: Keep = "all"
    run_in: Where = "process"
    timeout_s: float | None = None
    children: int | None = None
    gpus: tuple[int, ...] = ()
    idle_s: float | None = None

    def list_environments(self) -> list[dict[str, str]]:
        """The variables of each child: the GPU that it sees, the children dealt to the GPUs in turn."""
        count = self.children or max(1, len(self.gpus))
        return [_show_gpu(self.gpus[i % len(self.gpus)]) if self.gpus else {} for i in range(count)]


@dataclass(frozen=True, slots=True)
class EngineUse:
    """What an engine did: calls; and seconds of waiting for it, of loading it and of its work."""

    calls: int = 0
    wait_s: float = 0.0
    load_s: float = 0.0
    run_s: float = 0.0

    def add(self, call: Call) -> EngineUse:
        return EngineUse(
            self.calls + 1, self.wait_s + call.wait_s, self.load_s + call.load_s, self.run_s + call.run_s
        )


@dataclass(slots=True)
class _Child:
    process: EngineProcess | SharedEngines
    calls: Counter[Engine] = field(default_factory=Counter)
    """Calls at work and waiting, by engine."""
    loaded: set[Engine] = field(default_factory=set)
    """Engines that were called there."""


class EnginePool:
    """Engines, wherever they run. Any thread may call."""

    # No dataclass: Prefect looks into those that are handed to a task, and copies them.

    def __init__(self, placement: Placement = Placement()) -> None:
        self._guard = threading.Lock()
        self._freed = threading.Condition(self._guard)
        self._own = Pool(placement.keep, placement.idle_s)
        self._children: list[_Child] = []
        self._uses: dict[str, EngineUse] = {}
        self._calls = 0
        self._at_work = 0
        self._placement = Placement()
        self._is_watched = False
        self._identity = uuid.uuid4().hex
        _pools[self._identity] = self
        self.configure(placement)

    def __reduce__(self) -> tuple[Callable[[str, Placement], EnginePool], tuple[str, Placement]]:
        """Pickled, it is a pool of the same placement in the process that reads it, and there one for all: engines
        don't cross."""
        return find_pool, (self._identity, self.placement)

    @property
    def placement(self) -> Placement:
        return self._placement

    @property
    def idle_s(self) -> float | None:
        return self._placement.idle_s

    def configure(self, placement: Placement) -> None:
        """Set where engines run from now on. Children stay, and what they have loaded, unless they must be others."""
        with self._guard:
            before, self._placement = self._placement, placement
            ended = []
            if placement.run_in == "process" or replace(before, timeout_s=None) != replace(placement, timeout_s=None):
                ended, self._children = self._children, []
            if placement.run_in == "child" and not self._children:
                self._children = [
                    _Child(EngineProcess(placement.keep, environment=each, idle_s=placement.idle_s))
                    for each in placement.list_environments()
                ]
            if placement.run_in == "shared" and not self._children:
                shared = SharedEngines(placement.keep, placement.children, placement.gpus, idle_s=placement.idle_s)
                self._children = [_Child(shared)]
            for child in self._children:
                child.process.timeout_s = placement.timeout_s
            self._own.keep, self._own.idle_s = placement.keep, placement.idle_s
            self._freed.notify_all()
            starts_watch = placement.idle_s is not None and not self._is_watched
            self._is_watched |= starts_watch
        if starts_watch:
            watch(self)
        for child in ended:
            child.process.close()

    def call(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
        """Run `method` of `engine`. Raises what the engine raises, `EngineDied` where its child ended, and the errors
        that `Pool` translates."""
        asked = time.perf_counter()
        with self._choose(engine) as where:
            waited_s = time.perf_counter() - asked
            done = where.call(engine, method, *args, **kwargs)
        done = replace(done, wait_s=done.wait_s + waited_s)
        with self._guard:
            self._uses[engine.name] = self._uses.get(engine.name, EngineUse()).add(done)
        return done

    def preload(self, engines: Sequence[Engine], children: int = 1) -> None:
        """Begin to load engines in this order, in so many children, and return: they are loaded while other things go
        on. Not where engines run in this process, or where only one of them is kept.

        An engine that can't be loaded is told of by the first call of it.
        """
        with self._guard:
            chosen = [] if self._placement.keep == "one" else self._children[:children]
            for child in chosen:
                child.loaded.update(engines)
        for child in chosen:
            threading.Thread(target=_load, args=(child.process, engines), name="daylong-load", daemon=True).start()

    @property
    def is_idle(self) -> bool:
        """Whether no call is at work or waiting."""
        with self._guard:
            return not self._at_work

    def count_calls(self) -> int:
        """Count the engine calls, those that failed too."""
        with self._guard:
            return self._calls

    def list_uses(self) -> dict[str, EngineUse]:
        """What each engine did in calls that ended well, by its name."""
        with self._guard:
            return dict(self._uses)

    def unload(self) -> None:
        """Unload all engines, and end the children; both start again when next needed."""
        self._own.unload()
        for process in self._forget_loaded():
            process.close()

    def release_idle(self) -> None:
        """Unload the engines, and end the children, that were not called for `idle_s` seconds."""
        self._own.release_idle()
        with self._guard:
            children = [child.process for child in self._children]
        for process in children:
            process.release_idle()

    @contextmanager
    def _choose(self, engine: Engine) -> Iterator[Pool | EngineProcess | SharedEngines]:
        """Choose where a call runs: in the child with the fewest calls of this engine, then of all, then the one that
        has it loaded.

        Where there are several, a call of an engine that is at work in all of them waits for the first that is free:
        bound to one, it would wait there while another has nothing to do.
        """

        def is_free(child: _Child) -> bool:
            # With one engine in memory at a time, all engines of a child take turns.
            return not (child.calls.total() if self._placement.keep == "one" else child.calls[engine])

        with self._guard:
            self._calls += 1
            self._at_work += 1
            alone = self._placement.run_in == "shared" and _is_remote(engine)
            if len(self._children) > 1 and not alone:
                self._freed.wait_for(lambda: len(self._children) < 2 or any(map(is_free, self._children)))
            children = [] if alone else self._children
            free = [child for child in children if is_free(child)] or children
            order = sorted(free, key=lambda c: (c.calls[engine], c.calls.total(), engine not in c.loaded))
            child = order[0] if order else None
            if child is not None:
                child.calls[engine] += 1
                child.loaded.add(engine)
        try:
            yield self._own if child is None else child.process
        finally:
            with self._guard:
                self._at_work -= 1
                if child is not None:
                    child.calls[engine] -= 1
                    self._freed.notify_all()

    def _forget_loaded(self) -> list[EngineProcess | SharedEngines]:
        with self._guard:
            for child in self._children:
                child.loaded.clear()
            return [child.process for child in self._children]


def _load(process: EngineProcess | SharedEngines, engines: Sequence[Engine]) -> None:
    try:
        process.load(engines)
    except Exception as error:
        log.debug("engines are not loaded ahead: %s", error)


def _is_remote(engine: Engine) -> bool:
    """Whether an engine runs elsewhere: it has no weights to share, and asks with this program's own key."""
    step, _, name = engine.name.partition("/")
    if step not in registry.BUILT_IN:
        return False
    return any(spec.name == name and spec.capabilities.remote for spec in registry.list_specs(step))


def _show_gpu(number: int) -> dict[str, str]:
    """The variables by which a process sees one GPU of those that this one sees, as its only one."""
    visible = [each.strip() for each in os.environ.get(VISIBLE_GPUS, "").split(",") if each.strip()]
    return {VISIBLE_GPUS: visible[number] if number < len(visible) else str(number)}


_pools: WeakValueDictionary[str, EnginePool] = WeakValueDictionary()
"""The pools that were made in this process."""
_received: dict[Placement, EnginePool] = {}
"""Those that stand for pools of other processes."""
_receiving = threading.Lock()


def find_pool(identity: str, placement: Placement) -> EnginePool:
    """The pool itself in the process that made it; elsewhere, one for each placement, made when first asked for.

    Pools of other placements that nobody calls then give their engines back: memory of a device is for one run's.
    """
    if (own := _pools.get(identity)) is not None:
        return own
    with _receiving:
        others = [pool for held, pool in _received.items() if held != placement]
        found = _received.get(placement)
        if found is None:
            found = _received[placement] = EnginePool(placement)
    for pool in others:
        if pool.is_idle:
            pool.unload()
    return found


def list_received_pools() -> list[EnginePool]:
    """The pools of this process that stand for those of others."""
    with _receiving:
        return list(_received.values())


default_pool = EnginePool()
"""The pool of this process, for whoever has no other."""


def configure(keep: Keep = "all", run_in: Where = "process", timeout_s: float | None = None) -> None:
    """Set, once before a run, where the engines of the default pool run and how many stay loaded."""
    default_pool.configure(Placement(keep, run_in, timeout_s))


def call(engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
    """Run `method` of `engine` in the default pool."""
    return default_pool.call(engine, method, *args, **kwargs)


def count_calls() -> int:
    """Count the engine calls of the default pool."""
    return default_pool.count_calls()


def unload() -> None:
    """Unload all engines of the default pool."""
    default_pool.unload()
