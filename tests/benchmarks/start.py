"""What `daylong run` does when, from its process's start: of a short recording, and of the same again.

The second run has everything in the cache: it must neither load nor wait for engines. Linux alone. --quick: the first
half minute of the sample instead of two minutes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.day.fresh import run_fresh

ANSWERS = "Prefect's server answers"


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--file", type=Path, metavar="FILE", help="a recording [two minutes of the sample]")
    parser.add_argument("--profile", default="demo", help="whose weights [demo]")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="daylong-start-") as folder:
        source = given.file or write_opening(Path(folder), 30.0 if given.quick else 120.0)
        figures = {name: measure(source, given.profile, Path(folder)) for name in ("first", "again")}
    show(figures["first"], "New to the cache")
    show(figures["again"], "Everything cached")
    frame.write(given.json, figures)
    return figures


def write_opening(folder: Path, seconds: float) -> Path:
    """Write the sample's first seconds to `folder`."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.records import SAMPLE_RATE_HZ
    from tasks.settings.home import sample

    path = folder / "opening.flac"
    soundfile.write(path, decode(sample(), Span(0.0, seconds)), SAMPLE_RATE_HZ)
    return path


def measure(source: Path, profile: str, folder: Path) -> dict[str, Any]:
    """When what happened, in seconds from the process's start, and which engines were asked."""
    from tasks.settings.home import home

    own = folder / "home"
    if not own.exists():
        (own / "data").mkdir(parents=True)
        (own / "data" / "models").symlink_to(home() / "data" / "models")
    job = {"source": str(source.resolve()), "arguments": ["--profile", profile, "--out", str(own / "out")]}
    ended = run_fresh("tests.benchmarks.day.start_child", job, own)
    if ended.answer is None:
        raise SystemExit(ended.error)
    marks = {what: at - ended.launched for what, at in ended.answer["marks"]}
    calls = [(name, asked - ended.launched, *rest) for name, asked, *rest in ended.answer["calls"]]
    return {"marks": marks | {"the process is gone": ended.wall_s}, "calls": calls}


def show(found: dict[str, Any], title: str) -> None:
    rows = list(found["marks"].items())
    loaded: dict[str, float] = {}
    for name, asked, load_s, _ in found["calls"]:
        if name not in loaded:
            loaded[name] = asked + load_s
            rows += [(f"{name} is asked", asked), (f"{name} is loaded", loaded[name])]
    rows.sort(key=lambda row: row[1])
    up = found["marks"][ANSWERS]
    frame.show(
        title,
        ["", "from the process's start, s", "from the server's answer, s"],
        [[what, round(at, 2), round(at - up, 2)] for what, at in rows],
    )


if __name__ == "__main__":
    main()
