"""The words of a comparison as a file beside its page: for `daylong review`, and for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.comparison.records import EngineRun
from tasks.records import Word

FOLDER = "comparisons"
"""Of pages and words, in the folder of the results."""
SUFFIX = ".words.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class OtherRun:
    """What another recogniser heard. Words have text and times alone."""

    label: str
    model: str
    words: tuple[Word, ...]


def write_runs(runs: Sequence[EngineRun]) -> dict[str, Any]:
    """As plain JSON values; times in seconds."""
    return {
        "version": VERSION,
        "runs": [
            {
                "label": run.label,
                "engine": run.engine,
                "model": run.model,
                "words": [[round(w.start_s, 3), round(w.end_s, 3), w.text, w.space_before] for w in run.words],
            }
            for run in runs
        ],
    }


def read_runs(held: dict[str, Any]) -> list[OtherRun]:
    """Raises ValueError, KeyError or TypeError for anything that `write_runs` doesn't give."""
    if held["version"] != VERSION:
        raise ValueError(f"version {held['version']!r:.20}")
    return [
        OtherRun(
            str(run["label"]),
            str(run["model"]),
            tuple(
                Word(float(start), float(end), str(text), chunk=0, channel=0, space_before=bool(blank))
                for start, end, text, blank in run["words"]
            ),
        )
        for run in held["runs"]
    ]
