"""What linking and seams cost on simulated days of 24 hours, where who said what when is known exactly.

Per number of speakers and per offset (by how much a voice is off in each session, in spreads within a voice): the
linking-only diarization error rate with exact chunk turns, how often the speakers are counted right, and the same for
two simpler ways, chaining through overlaps and clustering without constraints (at the best of four thresholds, which
nobody would know). Then words lost or doubled at the seams, hard days (of somebody hardly heard, also the share of
what they say that was given to somebody else), and recordings of some hours.

Every day's figures are kept, so a run that was broken off goes on; a change to the code they measure starts anew.
Days are measured in several processes, each with one thread.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tasks.linking.link import link
from tasks.linking.nodes import ChunkVoices
from tasks.merging.seams import join
from tasks.settings.home import cache as cache_folder
from tasks.settings.home import clone
from tests.benchmarks import frame
from tests.simulation.day import Day, heard, simulate
from tests.simulation.hard import BRIEF, CASES, lost_in_others
from tests.simulation.recogniser import chunk_words, reference_words, seam_errors
from tests.simulation.score import LinkingScore, score, turns_of
from tests.simulation.simpler import chained, unconstrained

DAYS = {2: 25, 6: 25, 12: 100, 24: 25}
HARD_DAYS = 10
HARD_SPEAKERS = 12
SHORT_DAYS = 25
SHORT_HOURS = (1, 2, 4)
SHORT_SPEAKERS = (2, 6, 12)
OFFSETS = (0.0, 0.5, 1.0, 2.0)
USUAL = 0.5
"""The offset of the headline figures."""
THRESHOLDS = (0.5, 0.7, 0.8, 0.9)
CODE = ("tasks/linking", "tasks/merging", "tests/simulation")


Measured = tuple[Any, ...]
"""Name of a function of this module, and what it is given."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--days", type=int, metavar="N", help="at most so many days of each kind")
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count() or 1, help="processes (all cores)")
    given = parser.parse_args(arguments)
    most = given.days or (2 if given.quick else max(DAYS.values()))
    offsets = (USUAL,) if given.quick else OFFSETS
    people = [k for k in DAYS if not given.quick or k in (2, 12)]
    days = {k: range(min(DAYS[k], most)) for k in people}
    hard = range(min(HARD_DAYS, most))
    short = range(min(SHORT_DAYS, most))
    kept = Kept()
    kept.fill(_wanted(days, offsets, hard, short), given.jobs)
    figures: dict[str, Any] = {"offset": USUAL, "speakers": {}, "offsets": {}, "hard": {}, "short": {}}
    for speakers, seeds in days.items():
        by_offset = {o: [kept["one_day", speakers, seed, o] for seed in seeds] for o in offsets}
        seams = [kept["seams_of_day", speakers, seed] for seed in seeds]
        means = {str(o): _mean([d["ours"] for d in rows]) for o, rows in by_offset.items()}
        usual = by_offset[USUAL]
        figures["speakers"][str(speakers)] = {
            "days": len(seeds),
            **means[str(USUAL)],
            "words_lost": sum(s["lost"] for s in seams),
            "words_doubled_per_10k": 1e4 * sum(s["doubled"] for s in seams) / sum(s["words"] for s in seams),
            "words_moved": sum(s["moved"] for s in seams),
            "link_s": float(np.median([d["link_s"] for d in usual])),
            "chained": _mean([d["chained"] for d in usual]),
            "unconstrained": _mean([d["unconstrained"] for d in usual]),
        }
        figures["offsets"][str(speakers)] = means
        _show(speakers, figures["speakers"][str(speakers)], by_offset)
    for name in CASES:
        rows = [kept["hard_day", name, HARD_SPEAKERS, seed] for seed in hard]
        figures["hard"][name] = {w: _mean([r[w] for r in rows]) for w in ("ours", "chained", "unconstrained")}
        figures["hard"][name]["worst"] = max(r["ours"]["linking_der"] for r in rows)
    _show_hard(figures["hard"])
    for hours in SHORT_HOURS:
        of_hours = {k: [kept["short_day", hours, k, seed] for seed in short] for k in SHORT_SPEAKERS}
        figures["short"][str(hours)] = {
            str(k): {"days": len(rows), **_mean(rows), "worst": max(r["linking_der"] for r in rows)}
            for k, rows in of_hours.items()
        }
    _show_short(figures["short"])
    frame.write(given.json, figures)
    return figures


def _wanted(days: dict[int, range], offsets: Sequence[float], hard: range, short: range) -> Iterator[list[Measured]]:
    """What a run measures; in one list what is of the same day, so that it is made once."""
    # The longest first, so that no process is left alone with one at the end.
    for speakers in sorted(days, reverse=True):
        for seed in days[speakers]:
            yield [*(("one_day", speakers, seed, o) for o in offsets), ("seams_of_day", speakers, seed)]
    for name in CASES:
        for seed in hard:
            yield [("hard_day", name, HARD_SPEAKERS, seed)]
    for hours in sorted(SHORT_HOURS, reverse=True):
        for speakers in sorted(SHORT_SPEAKERS, reverse=True):
            for seed in short:
                yield [("short_day", hours, speakers, seed)]


def one_day(speakers: int, seed: int, offset: float) -> dict[str, Any]:
    """All ways of linking on one day with exact chunk turns."""
    day = _day(speakers, seed)
    return _ways(day, heard(day, offset))


def hard_day(name: str, speakers: int, seed: int) -> dict[str, Any]:
    """All ways of linking on one hard day."""
    return _ways(*CASES[name](speakers, seed, USUAL), brief=speakers - 1 if name in BRIEF else None)


def short_day(hours: float, speakers: int, seed: int) -> dict[str, float]:
    """Linking on a recording of so many hours with exact chunk turns."""
    day = simulate(speakers, seed, hours=hours)
    chunks = heard(day, USUAL)
    return _figures(score(turns_of(chunks, day.truth), link(chunks).turns))


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

    def fill(self, wanted: Iterable[list[Measured]], jobs: int) -> None:
        """Measure what isn't there yet in `jobs` processes, each list in one of them."""
        left = [[m for m in of_day if json.dumps(m) not in self._figures] for of_day in wanted]
        left = [of_day for of_day in left if of_day]
        if not left:
            return
        # Read by the new processes as they start; this one counts nothing.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        with ProcessPoolExecutor(max(1, min(jobs, len(left))), multiprocessing.get_context("spawn")) as pool:
            for done in as_completed([pool.submit(_measured, of_day) for of_day in left]):
                self._keep(done.result())

    def __getitem__(self, what: Measured) -> Any:
        return self._figures[json.dumps(what)]

    def _keep(self, found: dict[str, Any]) -> None:
        self._figures.update(found)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as out:
            out.write("\n" + "\n".join(json.dumps({key: figures}) for key, figures in found.items()))


def _measured(of_day: Sequence[Measured]) -> dict[str, Any]:
    return {json.dumps(m): globals()[m[0]](*m[1:]) for m in of_day}


@lru_cache(maxsize=1)
def _day(speakers: int, seed: int) -> Day:
    return simulate(speakers, seed)


def _ways(day: Day, chunks: list[ChunkVoices], brief: int | None = None) -> dict[str, Any]:
    reference = turns_of(chunks, day.truth)
    started = time.perf_counter()
    linked = link(chunks)
    took = time.perf_counter() - started
    ours = _figures(score(reference, linked.turns))
    if brief is not None:
        ours["lost_in_others"] = lost_in_others(day, chunks, linked.labels, brief)
    plain = [score(reference, turns_of(chunks, found)) for found in unconstrained(chunks, THRESHOLDS)]
    return {
        "ours": ours,
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


def _show_hard(hard: dict[str, Any]) -> None:
    rows = []
    for name, ways in hard.items():
        ours = ways["ours"]
        shown = (100 * ours["linking_der"], 100 * ways["worst"], ours["count_exact"], ours["count_off"])
        lost = 100 * ours["lost_in_others"] if name in BRIEF else "–"
        rows.append([name, *shown, lost, *(100 * ways[w]["linking_der"] for w in ("chained", "unconstrained"))])
    frame.show(
        f"Hard days, {HARD_SPEAKERS} speakers, offset {USUAL}",
        ["", "DER %", "worst", "count right", "too many by", "lost in others %", "chained", "unconstrained"],
        rows,
    )


def _show_short(short: dict[str, Any]) -> None:
    rows = []
    for hours, of_hours in short.items():
        for speakers, found in of_hours.items():
            shown = (100 * found["linking_der"], 100 * found["worst"], found["count_exact"], found["count_off"])
            rows.append([f"{hours} h, {speakers} speakers", *shown, 100 * found["unknown"]])
    frame.show(
        f"Shorter recordings, {found['days']} of each kind, offset {USUAL}",
        ["", "DER %", "worst", "count right", "too many by", "unknown %"],
        rows,
    )


if __name__ == "__main__":
    main()
