"""The ten questions of data/recipes/questions, asked in DuckDB, pandas and Polars."""

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path

import pytest

from tasks.dataset.views import ask, connect

FOLDER = Path(__file__).resolve().parents[2] / "data" / "recipes" / "questions"
GIVEN: dict[str, tuple[object, ...]] = {
    "every_mention": ("budget",),
    "silence": (30.0,),
    "low_confidence": (0.5,),
}
"""Arguments after the folder; in the SQL the same are its defaults."""


def by_duckdb(question: str, out: Path) -> tuple[list[str], list[tuple[object, ...]]]:
    with connect(out) as db:
        schema, batches = ask(db, (FOLDER / f"{question}.sql").read_text(encoding="utf-8"))
        return schema.names, [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def by_python(question: str, way: str, out: Path) -> tuple[list[str], list[tuple[object, ...]]]:
    spec = importlib.util.spec_from_file_location(question, FOLDER / f"{question}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    frame = getattr(module, f"with_{way}")(out, *GIVEN.get(question, ()))
    if way == "polars":
        return frame.columns, frame.rows()
    return list(frame.columns), list(frame.itertuples(index=False, name=None))


def told(row: tuple[object, ...]) -> list[object]:
    """A row in which the same values are equal, whoever gave them; numbers within what is rounded off."""
    import pandas as pd

    held: list[object] = []
    for value in row:
        if value is None or value is pd.NA or value is pd.NaT or value != value:
            held.append(None)
        elif isinstance(value, datetime.datetime):
            held.append(value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M"))
        elif isinstance(value, (str, datetime.date)):
            held.append(value)
        else:
            held.append(pytest.approx(float(value), abs=0.00051))  # type: ignore[arg-type]
    return held


def plain(value: object) -> object:
    (one,) = told((value,))
    return one if one is None or isinstance(one, (str, datetime.date)) else value


def agreed(question: str, out: Path) -> list[tuple[object, ...]]:
    """The rows that answer a question, once it is sure that the three ways give the same."""
    answers = [by_duckdb(question, out), *(by_python(question, way, out) for way in ("pandas", "polars"))]
    columns, rows = answers[0]
    for others, found in answers[1:]:
        assert list(others) == list(columns)
        assert len(found) == len(rows)
        for ours, theirs in zip(rows, found, strict=True):
            assert [plain(v) for v in theirs] == told(ours)
    return rows
