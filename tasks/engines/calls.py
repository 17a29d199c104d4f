"""The one function through which every engine is called, in this process or in a persistent child process.

`call(engine, method, …)` loads the engine if it isn't, waits for its lock, runs the method, and says what that took.
Arguments and values are plain data and NumPy arrays, because they may have to cross to a child process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tasks.engines.child import EngineProcess
from tasks.engines.engine import Call, Engine, Keep, Where
from tasks.engines.pool import Pool

_pool = Pool()
_remote: EngineProcess | None = None
_configure_lock = threading.Lock()


def configure(keep: Keep = "all", run_in: Where = "process", timeout_s: float | None = None) -> None:
    """Set, once before a run, where engines run and how many stay loaded.

    `timeout_s` bounds one call in a child (None: no bound); a call that takes longer ends the child and raises
    `EngineDied`.
    """
    global _remote
    with _configure_lock:
        if run_in == "child":
            if _remote is not None and _remote.keep != keep:
                _remote.close()
                _remote = None
            if _remote is None:
                _remote = EngineProcess(keep, timeout_s)
            _remote.timeout_s = timeout_s
        elif _remote is not None:
            _remote.close()
            _remote = None
        _pool.keep = keep


def call(engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
    """Run `method` of `engine`, in this process or in the engines' process as `configure` chose."""
    run: Callable[..., Call] = _pool.call if _remote is None else _remote.call
    return run(engine, method, *args, **kwargs)


def count_calls() -> int:
    """Count the engine calls of this process."""
    return _pool.calls + (_remote.calls if _remote is not None else 0)


def unload() -> None:
    """Unload all engines."""
    _pool.unload()
    if _remote is not None:
        _remote.close()
