"""What it costs to have the engines in a process of their own (`models.run_in = child`): the bundled sample through
the flow, everything uncached, each way in a fresh process and in turns. Linux only.

A call's arguments and answers cross a pipe, and the child has its own interpreter and libraries to load; for that it
can be ended when it hangs, and replaced when it dies. --quick: its first ten minutes, once each way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.day.fresh import run_fresh

WAYS = {"in the run's process": "process", "in a child": "child"}
TIMES = 2


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    from tasks.settings.home import sample

    given = frame.options(__doc__).parse_args(arguments)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory(prefix="daylong-isolation-") as folder:
        source = _beginning(sample(), Path(folder)) if given.quick else sample()
        for turn in range(1 if given.quick else TIMES):
            for name, run_in in WAYS.items():
                found[name].append(measured(source, run_in, Path(folder) / f"{run_in}-{turn}"))
    figures = {name: {k: median(one[k] for one in runs) for k in runs[0]} for name, runs in found.items()}
    base = figures["in the run's process"]
    frame.show(
        f"{source.name}: engines in the run's process, and in a child (median of {len(found[next(iter(WAYS))])})",
        ["", "wall s", "ratio", "from probe to done s", "ratio", "all processes MB", "ratio"],
        [
            [
                name,
                *(v for k in ("wall_s", "run_s", "peak_mb") for v in (one[k], one[k] / base[k])),
            ]
            for name, one in figures.items()
        ],
    )
    frame.write(given.json, figures)
    return figures


def measured(source: Path, run_in: str, home: Path) -> dict[str, float]:
    """Seconds and MiB of one run."""
    job = {"do": "flow", "source": str(source), "out": str(home / "out"), "settings": {"models": {"run_in": run_in}}}
    ended = run_fresh("tests.benchmarks.day.child", job, home)
    if ended.answer is None:
        raise SystemExit(ended.error)
    stages = ended.answer["heard"]["stages"]
    return {"wall_s": ended.wall_s, "run_s": stages[-1][1] - stages[0][1], "peak_mb": ended.peak_mb}


def _beginning(source: Path, folder: Path) -> Path:
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = folder / "ten minutes.flac"
    soundfile.write(path, decode(source, Span(0.0, 600.0)), 16_000)
    return path


if __name__ == "__main__":
    main()
