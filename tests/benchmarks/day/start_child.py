"""`daylong run` in a process of its own: `python -m tests.benchmarks.day.start_child JOB`, JOB being JSON.

`{"source": FILE, "arguments": […], "answer": FILE}`. The answer has `marks`: (what, when, by the system's monotonic
clock), and `calls`: (engine, asked, seconds of loading, seconds of work).
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARKS: list[tuple[str, float]] = []
CALLS: list[tuple[str, float, float, float]] = []


def mark(what: str) -> None:
    """Note when something happens first."""
    if all(noted != what for noted, _ in MARKS):
        MARKS.append((what, time.monotonic()))


def mark_around(place: Any, name: str, before: str | None = None, after: str | None = None) -> None:
    """Note when a function is first called, and when that call returns."""
    plain: Callable[..., Any] = getattr(place, name)

    def marked(*args: Any, **kwargs: Any) -> Any:
        if before:
            mark(before)
        found = plain(*args, **kwargs)
        if after:
            mark(after)
        return found

    setattr(place, name, marked)


def main() -> None:
    mark("our own code runs")
    job = json.loads(sys.argv[1])
    from flows.cli.main import app
    from flows.reporting import progress
    from flows.serving.own_server import RunServer
    from tasks.engines.calls import EnginePool
    from tasks.engines.child import _ChildProcess

    mark_around(RunServer, "begin", after="Prefect's server is being started")
    mark_around(RunServer, "wait", before="the flow is imported", after="Prefect's server answers")
    mark_around(_ChildProcess, "__init__", after="the engines' process is started")
    call = EnginePool.call

    def noted(pool: EnginePool, engine: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        asked = time.monotonic()
        done = call(pool, engine, method, *args, **kwargs)
        CALLS.append((engine.name, asked, done.load_s, done.run_s))
        return done

    EnginePool.call = noted  # type: ignore[method-assign, assignment]

    with progress.subscribe(lambda now: mark(f"stage: {now.stage}")), contextlib.suppress(SystemExit):
        app(["run", job["source"], *job["arguments"]], standalone_mode=False)
    mark("the command ends")
    Path(job["answer"]).write_text(json.dumps({"marks": MARKS, "calls": CALLS, "peak_mb": 0.0}), encoding="utf-8")


if __name__ == "__main__":
    main()
