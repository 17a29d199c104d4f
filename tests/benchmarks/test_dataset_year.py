"""The year that the benchmark of the tables measures: of today's form, and every library finds the same in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.dataset.schema import schemas
from tests.benchmarks.dataset.__main__ import agree, laid, make, once_more, place
from tests.benchmarks.dataset.layouts import LAYOUTS
from tests.benchmarks.dataset.questions import QUESTIONS, WAYS
from tests.benchmarks.dataset.year import FIRST_DAY, WORDS_A_DAY, tables

DAYS = 2


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year")
    make(folder, DAYS)
    return folder


def test_a_made_day_has_the_columns_of_a_real_one_in_their_order() -> None:
    held = tables(FIRST_DAY)
    for table, schema in schemas().items():
        assert held[table].schema.names == schema.names
        assert held[table].schema.types == schema.types
    words = held["words"].to_pandas()
    assert len(words) == WORDS_A_DAY
    assert words["start_s"].is_monotonic_increasing
    assert (words["end_s"] >= words["start_s"]).all()
    assert words["end_s"].max() <= 86_400
    assert held["segments"]["num_words"].to_pandas().sum() == WORDS_A_DAY


def test_every_library_finds_the_same_rows(year: Path) -> None:
    found = {question: {way: WAYS[way](year, question, DAYS) for way in WAYS} for question in QUESTIONS}
    assert {question: set(rows.values()) for question, rows in found.items()} == {
        "one recording": {WORDS_A_DAY},
        "one day": {12},
        "ten minutes": {found["ten minutes"]["DuckDB"]},
        "speaker, a month": {found["speaker, a month"]["DuckDB"]},
        "full-text search": {found["full-text search"]["DuckDB"]},
    }
    assert 1000 < found["ten minutes"]["DuckDB"] < 1700
    agree({"so": {q: {way: {"rows": n} for way, n in rows.items()} for q, rows in found.items()}})


def test_another_layout_holds_the_same_words(year: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    columns = ["word_index", "start_s", "start_at", "word_raw", "confidence"]
    expected = pq.ParquetFile(place(year, "words", FIRST_DAY)).read(columns)
    for name in LAYOUTS:
        out = laid(year, tmp_path / "other", name)
        with pq.ParquetFile(place(out, "words", FIRST_DAY)) as file:
            assert file.read(columns).sort_by("word_index").equals(expected)


def test_what_a_question_costs_is_measured_in_a_process_of_its_own(year: Path) -> None:
    cost = once_more(year, "one recording", "pandas", DAYS, 1)
    assert cost["rows"] == WORDS_A_DAY
    assert cost["seconds"] > 0
    assert cost["megabytes"] >= 0
