"""`python -m tests.benchmarks.demo_weights`: figures of the demo weights beside what they aim at.

The speech is made once, about five minutes, and kept in data/cache/recipes. --quick takes a tenth of the material.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks import frame
from tests.benchmarks.demo_weights import punctuation, recogniser, separator, speakers
from tests.benchmarks.demo_weights.figure import Figure

ROOT = Path(__file__).resolve().parents[3]
ENGINES: dict[str, Callable[[Path, Path | None, bool], Iterator[Figure]]] = {
    "faster-whisper": recogniser.figures,
    "NeMo": speakers.figures,
    "Demucs": separator.figures,
    "punctuation": punctuation.figures,
}


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    parser = frame.options(__doc__)
    parser.add_argument("--engine", choices=ENGINES, action="append", help="only this one; may be given again")
    parser.add_argument("--models", type=Path, default=ROOT / "data/models/demo", help="folder of the weights")
    parser.add_argument("--voices", type=Path, default=readers(), help="folder of one FLAC file a reader")
    given = parser.parse_args(arguments)
    voices = given.voices if given.voices and given.voices.is_dir() else None
    if voices is None:
        print("no recordings of real readers here (--voices): their figures are left out")
    found: list[Figure] = []
    for engine in given.engine or ENGINES:
        mine = list(ENGINES[engine](given.models, voices, given.quick))
        frame.show(engine, ["", "measured", "aim", "reached"], [f.row() for f in mine])
        found += mine
    frame.write(given.json, {"figures": [asdict(f) for f in found], "quick": given.quick})
    return found


def readers() -> Path:
    return Path(os.environ.get("DAYLONG_TEST_DATA", ROOT.parent / "shared" / "data")) / "voices"


if __name__ == "__main__":
    main()
