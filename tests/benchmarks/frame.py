"""What all benchmarks share: their options, their table, their JSON, and the machine they ran on."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def options(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small version, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same figures there")
    return parser


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on the terminal."""
    texts = [[_text(v) for v in row] for row in [columns, *rows]]
    widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    print(f"\n{title}  [{machine()}]")
    for k, row in enumerate(texts):
        print(
            "  ".join(t.ljust(w) if i == 0 else t.rjust(w) for i, (t, w) in enumerate(zip(row, widths, strict=True)))
        )
        if k == 0:
            print("  ".join("-" * w for w in widths))


def write(file: Path | None, figures: dict[str, Any]) -> None:
    """The figures as JSON, where asked for."""
    if file is not None:
        file.write_text(json.dumps({"machine": machine(), **figures}, indent=2) + "\n", encoding="utf-8")


def machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
