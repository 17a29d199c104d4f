"""What linking and seams cost on simulated days of 24 hours, where who said what when is known exactly.

Per number of speakers and per offset (by how much a voice is off in each session, in spreads within a voice): the
linking-only diarization error rate with exact chunk turns, how often the speakers are counted right, and the same for
two simpler ways, chaining through overlaps and clustering without constraints (at the best of four thresholds, which
nobody would know). Then hard days, and words lost or doubled at the seams.

Every day's figures are kept, so a run that was broken off goes on; a change to the code they measure starts anew.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tasks.home import cache as cache_folder
from tasks.home import clone
from tasks.linking.link import link
from tasks.linking.nodes import ChunkVoices
from tasks.merging.seams import join
from tests.benchmarks import frame
from tests.simulation.day import Day, heard, simulate
from tests.simulation.hard import CASES
from tests.simulation.recogniser import chunk_words, reference_words, seam_errors
from tests.simulation.score import LinkingScore, score, turns_of
from tests.simulation.simpler import chained, unconstrained

DAYS = {2: 25, 6: 25, 12: 100, 24: 25}
HARD_DAYS = 10
OFFSETS = (0.0, 0.5, 1.0, 2.0)
USUAL = 0.5
"""The offset of the headline figures."""
THRESHOLDS = (0.5, 0.7, 0.8, 0.9)
CODE = ("tasks/linking", "tasks/merging", "tests/simulation")


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--days", type=int, metavar="N", help="at most so many days of each kind")
    given = parser.parse_args(arguments)
    most = given.days or (2 if given.quick else max(DAYS.values()))
    offsets = (USUAL,) if given.quick else OFFSETS
    kept = Kept()
    figures: dict[str, Any] = {"offset": USUAL, "speakers": {}, "offsets": {}, "hard": {}}
    for speakers, days in DAYS.items():
        seeds = range(min(days, most))
        if given.quick and speakers not in (2, 12):
            continue
        by_offset = {o: [kept.get(one_day, speakers, seed, o) for seed in seeds] for o in offsets}
        seams = [kept.get(seams_of_day, speakers, seed) for seed in seeds]
        means = {str(o): _mean([d["ours"] for d in rows]) for o, rows in by_offset.items()}
        usual = by_offset[USUAL]
        figures["speakers"][str(speakers)] = {
            "days": len(seeds),
            **means[str(USUAL)],
            "words_lost": sum(s["lost"] for s in seams),
            "words_doubled_per_10k": 1e4 * sum(s["doubled"] for s in seams) / sum(s["words"] for s in seams),
            "words_moved": sum(s["moved"] for s in seams),
            "link_s": float(np.mean([d["link_s"] for d in usual])),
            "chained": _mean([d["chained"] for d in usual]),
            "unconstrained": _mean([d["unconstrained"] for d in usual]),
        }
        figures["offsets"][str(speakers)] = means
        _show(speakers, figures["speakers"][str(speakers)], by_offset)
    for name in CASES:
        rows = [kept.get(hard_day, name, 12, seed) for seed in range(min(HARD_DAYS, most))]
        figures["hard"][name] = {w: _mean([r[w] for r in rows]) for w in ("ours", "chained", "unconstrained")}
    columns = ["DER %", "count right", "chained", "unconstrained"]
    frame.show(
        f"Hard days, 12 speakers, offset {USUAL}",
        ["", *columns],
        [
            [n, 100 * h["ours"]["linking_der"], h["ours"]["count_exact"]]
            + [100 * h[w]["linking_der"] for w in ("chained", "unconstrained")]
            for n, h in figures["hard"].items()
        ],
    )
    frame.write(given.json, figures)
    return figures


def one_day(speakers: int, seed: int, offset: float) -> dict[str, Any]:
    """All ways of linking on one day with exact chunk turns."""
    day = _day(speakers, seed)
    return _ways(day, heard(day, offset))


def hard_day(name: str, speakers: int, seed: int) -> dict[str, Any]:
    """All ways of linking on one hard day."""
    return _ways(*CASES[name](speakers, seed, USUAL))


def seams_of_day(speakers: int, seed: int) -> dict[str, Any]:
    """Words lost, doubled and moved by joining what the chunks heard."""
    day, rng = _day(speakers, seed), np.random.default_rng([seed, 3])
    words = reference_words(day.turns, rng)
    found = seam_errors(words, join(day.chunks, chunk_words(words, day.chunks, rng)).words, day.chunks)
    return {"lost": found.lost, "doubled": found.doubled, "moved": found.moved, "words": found.words}


class Kept:
    """Figures of days, kept in a file a line each, under the state of the code that they measure."""

    def __init__(self, folder: Path | None = None) -> None:
        digest = hashlib.sha256()
        for name in CODE:
            for file in sorted((clone() / name).rglob("*.py")):
                digest.update(file.read_bytes())
        self._file = (folder or cache_folder() / "benchmarks") / f"simulated-day-{digest.hexdigest()[:12]}.jsonl"
        self._figures: dict[str, Any] = {}
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                # The last line of a run that was broken off may be half a line.
                if line.endswith("}"):
                    self._figures.update(json.loads(line))

    def get(self, measure: Any, *what: Any) -> Any:
        key = json.dumps([measure.__name__, *what])
        if key not in self._figures:
            self._figures[key] = measure(*what)
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                out.write("\n" + json.dumps({key: self._figures[key]}))
        return self._figures[key]


@lru_cache(maxsize=1)
def _day(speakers: int, seed: int) -> Day:
    return simulate(speakers, seed)


def _ways(day: Day, chunks: list[ChunkVoices]) -> dict[str, Any]:
    reference = turns_of(chunks, day.truth)
    started = time.perf_counter()
    ours = link(chunks).turns
    took = time.perf_counter() - started
    plain = [score(reference, turns_of(chunks, unconstrained(chunks, t))) for t in THRESHOLDS]
    return {
        "ours": _figures(score(reference, ours)),
        "chained": _figures(score(reference, turns_of(chunks, chained(chunks)))),
        "unconstrained": _figures(min(plain, key=lambda s: s.der)),
        "link_s": took,
    }


def _figures(found: LinkingScore) -> dict[str, float]:
    return {
        "linking_der": found.der,
        "unknown": found.unknown,
        "count_exact": float(found.found == found.real),
        "count_off": found.found - found.real,
    }


def _mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([r[name] for r in rows])) for name in rows[0]}


def _show(speakers: int, usual: dict[str, Any], by_offset: dict[float, list[dict[str, Any]]]) -> None:
    rows = []
    for offset, days in by_offset.items():
        for way in ("ours", "chained", "unconstrained"):
            of_way = _mean([d[way] for d in days])
            worst = max(d[way]["linking_der"] for d in days)
            shown = (100 * of_way["linking_der"], 100 * worst, of_way["count_exact"], of_way["count_off"])
            rows.append([f"offset {offset}, {way}", *shown, 100 * of_way["unknown"]])
    frame.show(
        f"{usual['days']} days of {speakers} speakers; linking took {usual['link_s']:.1f} s a day; seams: "
        f"{usual['words_lost']} words lost, {usual['words_doubled_per_10k']:.2f} doubled in 10,000",
        ["", "DER %", "worst", "count right", "too many by", "unknown %"],
        rows,
    )


if __name__ == "__main__":
    main()
