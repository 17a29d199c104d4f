"""The ten questions of data/recipes/questions, asked in DuckDB, pandas and Polars."""

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path

import pytest

from tasks.dataset.views import ask, connect

QUESTIONS_FOLDER = Path(__file__).resolve().parents[2] / "data" / "recipes" / "questions"
QUESTION_ARGUMENTS: dict[str, tuple[object, ...]] = {
    "every_mention": ("budget",),
    "silence": (30.0,),
    "low_confidence": (0.5,),
}
"""Arguments of a question's functions after the folder; the SQL has the same as defaults."""


def answer_by_duckdb(question: str, out: Path) -> tuple[list[str], list[tuple[object, ...]]]:
    """Run the question's SQL; returns the names of the columns and the rows."""
    with connect(out) as db:
        schema, batches = ask(db, (QUESTIONS_FOLDER / f"{question}.sql").read_text(encoding="utf-8"))
        return schema.names, [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def answer_by_data_frames(question: str, library: str, out: Path) -> tuple[list[str], list[tuple[object, ...]]]:
    """Run the question's function for "pandas" or "polars"; returns the names of the columns and the rows."""
    spec = importlib.util.spec_from_file_location(question, QUESTIONS_FOLDER / f"{question}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    frame = getattr(module, f"with_{library}")(out, *QUESTION_ARGUMENTS.get(question, ()))
    if library == "polars":
        return frame.columns, frame.rows()
    return list(frame.columns), list(frame.itertuples(index=False, name=None))


def normalize_row(row: tuple[object, ...]) -> list[object]:
    """A row whose values compare equal whichever library returned them; numbers are approximate, to the rounding."""
    import pandas as pd

    normalized: list[object] = []
    for value in row:
        if value is None or value is pd.NA or value is pd.NaT or value != value:
            normalized.append(None)
        elif isinstance(value, datetime.datetime):
            normalized.append(value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M"))
        elif isinstance(value, (str, datetime.date)):
            normalized.append(value)
        else:
            normalized.append(pytest.approx(float(value), abs=0.00051))  # type: ignore[arg-type]
    return normalized


def normalize_value(value: object) -> object:
    (one,) = normalize_row((value,))
    return one if one is None or isinstance(one, (str, datetime.date)) else value


def find_agreed_answer(question: str, out: Path) -> list[tuple[object, ...]]:
    """The rows that answer a question, after a check that DuckDB, pandas and Polars return the same."""
    answers = [
        answer_by_duckdb(question, out),
        *(answer_by_data_frames(question, library, out) for library in ("pandas", "polars")),
    ]
    columns, rows = answers[0]
    for others, found in answers[1:]:
        assert list(others) == list(columns)
        assert len(found) == len(rows)
        for ours, theirs in zip(rows, found, strict=True):
            assert [normalize_value(v) for v in theirs] == normalize_row(ours)
    return rows
