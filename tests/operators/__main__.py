"""Try all cases, print each with what came of it: `python -m tests.operators [--json FILE]`; status 1 if any is
wrong."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tests.operators
from tests.benchmarks import frame
from tests.operators.case import Case


def list_cases() -> list[Case]:
    """The cases of all modules in this folder."""
    here = pkgutil.iter_modules(tests.operators.__path__, "tests.operators.")
    names = sorted(m.name for m in here if not m.name.rpartition(".")[2].startswith(("__", "test_")))
    return [case for name in names for case in getattr(importlib.import_module(name), "CASES", ())]


def main(arguments: Sequence[str] | None = None) -> int:
    given = frame.options(__doc__).parse_args(arguments)
    logging.disable(logging.WARNING)  # a time that is not used is told by its source
    found = []
    with tempfile.TemporaryDirectory(prefix="daylong-operators-") as folder:
        for number, case in enumerate(list_cases()):
            own = Path(folder) / f"{number:03d}"
            own.mkdir()
            came = case.try_in(own)
            found.append({"kind": case.kind, "what": case.what, "right": case.right in came, "came": came})
            print(f"{'right' if case.right in came else 'WRONG'}  {case.kind}: {case.what}\n       {came}")
    wrong = sum(not each["right"] for each in found)
    print(f"{len(found)} cases, {wrong} wrong")
    frame.write(given.json, {"cases": found})
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
