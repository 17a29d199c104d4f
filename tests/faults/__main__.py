"""Runs killed, a disk that fills up, a cache that is damaged: `python -m tests.faults`, or `make test-faults`.

Each is finished afterwards, and compared with a run that nothing happened to: exports byte for byte, tables but for
what is of a run. Linux only: processes are looked up in /proc, the small disk is a tmpfs (for root).
"""

from __future__ import annotations

import dataclasses
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks import frame
from tests.faults.cases import (
    HOW,
    Result,
    Undisturbed,
    asked_to_end,
    clip,
    damaged,
    disk_filled,
    engines_killed,
    killed,
)
from tests.helpers.interrupts import restore_interrupts

KILLS_A_RUN = 5
SECONDS = 150.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = frame.options(__doc__)
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="in all [20]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first run's moments [1]")
    given = parser.parse_args(arguments)
    restore_interrupts()
    kills = 4 if given.quick else given.kills
    results: list[Result] = []
    with clip(SECONDS) as source, tempfile.TemporaryDirectory(prefix="daylong-faults-") as folder:
        here = Path(folder)
        undisturbed = Undisturbed.of(source, here / "undisturbed")
        print(f"undisturbed: {undisturbed.seconds:.0f} s", flush=True)
        for name, case in _cases(undisturbed, here, kills, given.seed):
            try:
                results.append(case())
            except PermissionError as error:
                print(f"{name} left out: {error}", flush=True)
                continue
            print(f"  {results[-1].case}: {results[-1].outcome}", flush=True)
    rows = [[r.case, "yes" if r.same else "NO", r.redone, r.seconds, r.outcome] for r in results]
    frame.show("Hurt, then finished", ["", "same result", "steps redone", "last run s", "what happened"], rows)
    frame.write(given.json, {"undisturbed_s": undisturbed.seconds, "cases": [dataclasses.asdict(r) for r in results]})
    return 0 if all(r.same for r in results) else 1


def _cases(undisturbed: Undisturbed, here: Path, kills: int, seed: int) -> list[tuple[str, Callable[[], Result]]]:
    cases: list[tuple[str, Callable[[], Result]]] = []
    for k, first in enumerate(range(0, kills, KILLS_A_RUN)):
        count, of = min(KILLS_A_RUN, kills - first), seed + k
        cases.append((f"killed {of}", partial(killed, undisturbed, here / f"killed-{of}", count, of)))
    for number in (signal.SIGTERM, signal.SIGINT):
        cases.append((number.name, partial(asked_to_end, undisturbed, here / number.name, number)))
    cases.append(("engines killed", partial(engines_killed, undisturbed, here / "engines")))
    for how in HOW:
        cases.append((how, partial(damaged, undisturbed, here / how, how)))
    cases.append(("full disk", partial(disk_filled, undisturbed, here / "disk")))
    return cases


if __name__ == "__main__":
    sys.exit(main())
