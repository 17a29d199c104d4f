"""What joining costs at the seams of simulated days, word by word, with a simulated recogniser that jitters times,
mishears, and does badly at the edges of its chunks: as we join, and with every chunk cut at the boundary.

A day has 115 seams and some 200,000 words; only talk within 40 s of a seam is simulated, and rates count that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.merging.seams import join
from tasks.records import Chunk, Word
from tests.benchmarks import frame
from tests.simulation.seams import SEAMS_A_DAY, errors_of_days, split_at_the_boundary


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    given = frame.options(__doc__).parse_args(arguments)
    days = 3 if given.quick else 50
    figures: dict[str, Any] = {"days": days, "seams": days * SEAMS_A_DAY}
    rows = []
    for talk, pauses in (("with pauses", True), ("without a pause", False)):
        for name, way in (("joined", joined), ("cut at the boundary", split_at_the_boundary)):
            errors = errors_of_days(way, range(days), pauses=pauses)
            figures[f"{name}, {talk}"] = {
                "words": errors.words,
                "words_lost": errors.lost,
                "words_doubled_per_10k": errors.doubled_per_10k,
                "words_moved": errors.moved,
                "words_invented": errors.invented,
            }
            rows.append([f"{name}, {talk}", *figures[f"{name}, {talk}"].values()])
    columns = ["", "words", "lost", "doubled per 10,000", "moved", "invented"]
    frame.show(f"{days} days of {SEAMS_A_DAY} seams", columns, rows)
    frame.write(given.json, figures)
    return figures


def joined(chunks: Sequence[Chunk], words: Sequence[Sequence[Word]]) -> Sequence[Word]:
    return join(chunks, words).words


if __name__ == "__main__":
    main()
