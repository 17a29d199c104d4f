"""Rates, agreement, the table and the page of a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.comparison.compare import compare_runs, measure_agreement
from tasks.comparison.page import render_page
from tasks.comparison.records import EngineRun
from tasks.comparison.tables import list_agreement, list_columns, list_errors, list_rows
from tasks.evaluation.normalizers import get_normalizer
from tasks.evaluation.references import Reference
from tasks.evaluation.utterances import Utterance
from tasks.intervals import Span
from tasks.records import Word

SAID = "It is twenty one degrees and the cat sat"


def say(text: str) -> tuple[Word, ...]:
    return tuple(Word(i, i + 0.8, word, chunk=0, channel=0) for i, word in enumerate(text.split()))


def run(label: str, text: str, **facts: object) -> EngineRun:
    given = {"model": "base", "device": "cpu", "language": "en", "work_s": 5.0, "steps": 1} | facts
    return EngineRun(label, label.partition(":")[0], words=say(text), **given)  # type: ignore[arg-type]


def refer(text: str, **more: object) -> Reference:
    return Reference("talk", utterances=(Utterance(0, 9, "ana", text),), **more)  # type: ignore[arg-type]


def test_rates_are_as_written_and_normalised() -> None:
    found = compare_runs("id", "talk.wav", 10.0, [run("a", "It's 21 degrees and the cat sat.")], refer(SAID))
    (rates,) = found.rates
    assert rates is not None
    assert rates.unit == "word"
    assert rates.written == pytest.approx(4 / 9)
    assert rates.normalized == 0
    assert list_columns(found)[-2:] == ["WER", "WER normalised"]
    assert list_rows(found)[0][-2:] == ["44.4 %", "0.0 %"]
    assert list_agreement(found) == []


def test_characters_are_compared_where_no_blanks_part_the_words() -> None:
    one = run("a", "今日は いい天気", language="ja")
    found = compare_runs(
        "id", "talk.wav", 10.0, [one, run("b", "今日は いい人気", language="ja")], refer("今日はいい天気")
    )
    assert [r and (r.unit, r.normalized) for r in found.rates] == [
        ("character", 0),
        ("character", pytest.approx(1 / 7)),
    ]
    assert found.agreement[0][1] == pytest.approx(6 / 7)
    assert list_columns(found)[-2:] == ["CER", "CER normalised"]


def test_only_the_regions_of_the_reference_are_scored() -> None:
    regions = refer("red green blue", regions=(Span(0, 9),), ignored=(Span(3, 20),))
    found = compare_runs("id", "talk.wav", 30.0, [run("a", "red green blue nine nine nine")], regions)
    assert found.rates == (None,)  # the utterance's middle is left out
    kept = refer("red green blue", ignored=(Span(5, 20),))
    (rates,) = compare_runs("id", "talk.wav", 30.0, [run("a", "red green blue x y z z z z")], kept).rates
    assert rates is not None
    assert rates.normalized == pytest.approx(2 / 3)


def test_agreement_is_the_same_either_way() -> None:
    found = compare_runs("id", "t", 10.0, [run("a", SAID), run("b", "the cat sat"), run("c", "")])
    assert [found.agreement[k][k] for k in range(3)] == [1, 1, 1]
    assert found.agreement[0][1] == found.agreement[1][0]
    assert found.agreement[0][2] == 0
    assert not found.has_reference
    assert list_agreement(found)[0] == ["agree", "1", "2", "3"]
    assert measure_agreement([], [], get_normalizer(None)) == 1


def test_the_table_tells_cached_from_measured_and_names_what_failed() -> None:
    runs = [
        run("a", "x", load_s=1.25, peak_mb=1234.0),
        run("b:/models/big.bin[beam_size=1]", "x", model="/models/big.bin", cached=1, steps=2),
        run("c", "", steps=0, work_s=0.0, errors=("transcription: no memory",)),
        run("d", "x", cached=1),
    ]
    found = compare_runs("id", "talk.wav", 10.0, runs)
    assert [row[:6] for row in list_rows(found)] == [
        ["1 a", "base", "cpu", "2.0", "1.2 s", "1,234 MiB"],
        ["2 b[beam_size=1]", "big.bin", "cpu", "2.0 partly cached", "–", "–"],
        ["3 c", "base", "cpu", "–", "–", "–"],
        ["4 d", "base", "cpu", "2.0 cached", "–", "–"],
    ]
    assert list_errors(found) == ["c: transcription: no memory"]


def test_the_page_escapes_everything_and_fetches_nothing(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    runs = [run(f"a:{evil}", f"one {evil}", model=evil, errors=(evil,)), run("b", "two three")]
    found = compare_runs("id", evil, 10.0, runs, refer(f"one {evil}"))
    page = render_page(found, tmp_path / 'a "b" #1?.wav')
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "a%20%22b%22%20%231%3F.wav#t=" in page
    assert "<audio" not in render_page(found)
