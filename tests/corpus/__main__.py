"""Every kind of broken or odd file, and what becomes of it: `python -m tests.corpus [--quick] [--json FILE]`."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.corpus import KINDS, CannotBeMade
from tests.corpus.tried import Tried, Trier


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--only", metavar="WORDS", default="", help="kinds with these words in their names")
    given = parser.parse_args(arguments)
    found: dict[str, Tried] = {}
    with tempfile.TemporaryDirectory() as folder, Trier() as tried:
        for number, (name, kind) in enumerate(KINDS.items()):
            if given.only not in name:
                continue
            own = Path(folder) / str(number)
            own.mkdir()
            try:
                found[name] = tried(kind.make(own), name)
            except CannotBeMade as error:
                found[name] = Tried("not made", str(error))
    frame.show(
        f"{len(found)} kinds of files",
        ["kind", "outcome", "seconds", "peak MB", "grown MB", "sound s", "speech s", "off ms", "alike", "message"],
        [
            [
                name,
                t.outcome,
                t.took_s,
                round(t.peak_mb),
                round(t.grown_mb),
                t.duration_s,
                t.speech_s,
                t.off_ms,
                t.likeness,
                t.message + t.odd,
            ]
            for name, t in found.items()
        ],
    )
    figures = {"kinds": {name: dataclasses.asdict(t) for name, t in found.items()}}
    frame.write(given.json, figures)
    return figures


if __name__ == "__main__":
    main()
