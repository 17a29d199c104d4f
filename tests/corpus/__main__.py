"""Every kind of broken or odd file, and what becomes of it: `python -m tests.corpus [--quick] [--json FILE]`.

--quick: probe, speech map, plan and decoding of each, half a minute. Without it, all of them through one `daylong
run` besides, some minutes.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.corpus import KINDS, CannotBeMade, Kind
from tests.corpus.tried import Tried, Trier
from tests.corpus.whole import Became, Command, run_all


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--only", metavar="WORDS", default="", help="kinds with these words in their names")
    given = parser.parse_args(arguments)
    kinds = [k for name, k in KINDS.items() if given.only in name]
    with tempfile.TemporaryDirectory(prefix="daylong-corpus-") as folder:
        found = tried_one_by_one(Path(folder), kinds)
        command = None
        if not given.quick:
            (Path(folder) / "whole").mkdir()
            command = run_all(Path(folder) / "whole", kinds)
        show(found, command, folder)
    figures: dict[str, Any] = {"kinds": {name: dataclasses.asdict(t) for name, t in found.items()}}
    if command is not None:
        figures["run"] = dataclasses.asdict(command)
    frame.write(given.json, figures)
    return figures


def tried_one_by_one(folder: Path, kinds: Sequence[Kind]) -> dict[str, Tried]:
    found = {}
    with Trier() as tried:
        for number, kind in enumerate(kinds):
            own = folder / f"{number:03d}"
            own.mkdir()
            try:
                found[kind.name] = tried(kind.make(own), kind.name)
            except CannotBeMade as error:
                found[kind.name] = Tried("not made", str(error))
    return found


def show(found: dict[str, Tried], command: Command | None, folder: str) -> None:
    columns = ["kind", "outcome", "in a run", "seconds", "peak MB", "grown MB", "sound s", "speech s", "message"]
    became = command.became if command else {}
    rows = [
        [
            name, t.outcome, became.get(name, Became("")).outcome, t.took_s, round(t.peak_mb), round(t.grown_mb),
            t.duration_s, float(t.speech_s), (t.message + t.odd).replace(folder, "…"),
        ]
        for name, t in found.items()
    ]  # fmt: skip
    frame.show(f"{len(found)} kinds of files", columns, rows)
    if command:
        print(
            f"\ndaylong run: {len(became)} files in {command.took_s:.0f} s, exit status {command.status}, peak "
            f"{command.peak_mb:.0f} MB"
        )


if __name__ == "__main__":
    main()
