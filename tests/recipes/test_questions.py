"""The ten questions of data/recipes/questions: DuckDB, pandas and Polars give one answer, and it is the right one."""

from __future__ import annotations

import dataclasses
import datetime
import inspect
import re
import runpy
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.dataset.publish import publish
from tasks.dataset.views import ask, connect
from tasks.records import Part, Transcript
from tests.helpers.recipe_questions import (
    QUESTION_ARGUMENTS,
    QUESTIONS_FOLDER,
    answer_by_data_frames,
    answer_by_duckdb,
    find_agreed_answer,
    normalize_row,
    normalize_value,
)
from tests.helpers.sample_transcripts import (
    make_recording_row,
    make_silence,
    make_transcript,
    make_without_diarization,
)
from tests.helpers.synthetic_day import make_synthetic_day

DAYS = [datetime.date(2024, 5, 6), datetime.date(2024, 5, 7)]


def monday() -> Transcript:
    """100 s in two files. S1 breaks in at 4 s; S0's "Yes." lies within S1's turn; "Stop!" ends with it."""
    parts = (Part("a b#1.wav", "aa" * 32, 0.0, 60.0), Part("ü.wav", "bb" * 32, 60.0, 40.0))
    told = make_transcript(
        [
            (2.0, "SPEAKER_00", ["Good", "morning,", "the", "budget", "first."]),
            (4.0, "SPEAKER_01", ["Budget?", "No,", "the", "website."]),
            (5.0, "SPEAKER_00", ["Yes."]),
            (70.0, "SPEAKER_01", ["The", "budget", "again."]),
            (71.0, "SPEAKER_00", ["Stop!"]),
        ],
        of=make_recording_row(
            "monday-00000001", 100.0, parts=parts, recorded_at="2024-05-06T09:00:00Z", timezone="UTC"
        ),
        word_s=0.5,
    )
    return _voices(_unsure(told, {"website.": 0.25, "Yes.": 0.375, "again.": 0.125}), ("v1", "Ana"), ("v2", None))


def tuesday() -> Transcript:
    """Just over two hours; SPEAKER_01 is Monday's SPEAKER_00, SPEAKER_00 nobody known."""
    told = make_transcript(
        [
            (10.0, "SPEAKER_00", ["Hello."]),
            (3599.5, "SPEAKER_01", ["The", "website."]),
            (3700.0, "SPEAKER_00", ["Good", "bye", "now."]),
        ],
        of=make_recording_row("tuesday-00000002", 7300.0, recorded_at="2024-05-07T08:30:00Z", timezone="UTC"),
        word_s=0.5,
    )
    return _voices(told, (None, None), ("v1", "Ana"))


def _unsure(told: Transcript, confidence: dict[str, float]) -> Transcript:
    words = tuple(dataclasses.replace(w, confidence=confidence.get(w.text, w.confidence)) for w in told.words)
    return dataclasses.replace(told, words=words)


def _voices(told: Transcript, *voices: tuple[str | None, str | None]) -> Transcript:
    pairs = zip(told.speakers, voices, strict=True)
    return dataclasses.replace(
        told, speakers=tuple(dataclasses.replace(s, voice_id=voice, name=name) for s, (voice, name) in pairs)
    )


M, T, S0, S1 = "monday-00000001", "tuesday-00000002", "SPEAKER_00", "SPEAKER_01"
EXPECTED: dict[str, tuple[str, list[tuple[object, ...]]]] = {
    # Turns: S0 2.5 + 0.5 + 0.5 s, S1 2.0 + 1.5 s; on Tuesday S0 0.5 + 1.5 s, S1 1.0 s.
    "who_spoke_how_long": (
        "recording_id speaker minutes share num_words",
        [
            (M, S0, 3.5 / 60, 0.5, 7),
            (M, S1, 3.5 / 60, 0.5, 7),
            (T, S0, 2 / 60, 2 / 3, 4),
            (T, S1, 1 / 60, 1 / 3, 2),
        ],
    ),
    "who_interrupts_whom": ("recording_id who whom times", [(M, S1, S0, 1)]),
    "talk_time_by_hour": (
        "recording_id hour begins_at speaker minutes",
        [
            (M, 0, "2024-05-06 09:00", S0, 3.5 / 60),
            (M, 0, "2024-05-06 09:00", S1, 3.5 / 60),
            (T, 0, "2024-05-07 08:30", S0, 0.5 / 60),
            (T, 0, "2024-05-07 08:30", S1, 1 / 60),
            (T, 1, "2024-05-07 09:30", S0, 1.5 / 60),
        ],
    ),
    "every_mention": (
        "recording_id start_s speaker context link",
        [
            (M, 3.5, S0, "Good morning, the budget first. Budget? No, Yes. the website.", "a%20b%231.wav#t=0,14"),
            (M, 4.0, S1, "Good morning, the budget first. Budget? No, Yes. the website.", "a%20b%231.wav#t=0,14"),
            (M, 70.5, S1, "The budget Stop! again.", "%C3%BC.wav#t=0,21"),
        ],
    ),
    "words_per_minute": (
        "recording_id speaker num_words words_per_minute",
        [(M, S0, 7, 120.0), (M, S1, 7, 120.0), (T, S0, 4, 120.0), (T, S1, 2, 120.0)],
    ),
    "overlaps": (
        "recording_id start_s end_s over_whom who",
        [(M, 4.0, 4.5, S0, S1), (M, 5.0, 5.5, S1, S0), (M, 71.0, 71.5, S1, S0)],
    ),
    "silence": (
        "recording_id from_s until_s seconds",
        [
            (M, 6.0, 70.0, 64.0),
            (T, 10.5, 3599.5, 3589.0),
            (T, 3600.5, 3700.0, 99.5),
            (T, 3701.5, 7300.0, 3598.5),
        ],
    ),
    "speaker_across_recordings": (
        "voice_id speaker_name recording_id speaker minutes num_words",
        [("v1", "Ana", M, S0, 3.5 / 60, 7), ("v1", "Ana", T, S1, 1 / 60, 2)],
    ),
    "low_confidence": (
        "recording_id start_s end_s words lowest",
        [(M, 5.0, 6.0, "Yes. website.", 0.25), (M, 71.0, 71.5, "again.", 0.125)],
    ),
    "day_over_day": (
        "day recordings hours speech_hours words change",
        [(DAYS[0], 1, 100 / 3600, 20 / 3600, 14, None), (DAYS[1], 1, 7300 / 3600, 20 / 3600, 6, -8)],
    ),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("small")
    for one in (monday(), tuesday()):
        publish(one, out, exports={})
    return out


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours of twelve people, a few turns at once; silence; a recording without speakers; an unknown start."""
    out = tmp_path_factory.mktemp("large")
    long = make_synthetic_day(20_000, hours=6.0)
    turns = tuple(dataclasses.replace(t, end_s=t.end_s + (9 if k % 7 == 0 else 0)) for k, t in enumerate(long.turns))
    publish(dataclasses.replace(long, turns=turns), out, exports={})
    publish(make_silence(), out, exports={})
    for one, name in ((make_without_diarization(), "plain-00000003"), (monday(), "undated-00000004")):
        facts = dataclasses.replace(one.recording, recording_id=name, recorded_at=None)
        publish(dataclasses.replace(one, recording=facts), out, exports={})
    for one in (monday(), tuesday()):
        publish(one, out, exports={})
    return out


def test_there_are_ten_questions_each_in_sql_and_python() -> None:
    assert len(EXPECTED) == 10
    assert sorted(p.name for p in QUESTIONS_FOLDER.iterdir() if p.suffix in {".sql", ".py"}) == sorted(
        f"{question}{suffix}" for question in EXPECTED for suffix in (".sql", ".py")
    )


@pytest.mark.parametrize("way", ["duckdb", "pandas", "polars"])
@pytest.mark.parametrize("question", EXPECTED)
def test_the_answer_is_what_one_counts_by_hand(question: str, way: str, small: Path) -> None:
    columns, rows = (
        answer_by_duckdb(question, small) if way == "duckdb" else answer_by_data_frames(question, way, small)
    )
    names, expected = EXPECTED[question]
    assert list(columns) == names.split()
    assert [[normalize_value(v) for v in row] for row in rows] == [normalize_row(row) for row in expected]


@pytest.mark.parametrize("question", EXPECTED)
def test_the_three_ways_agree_on_hours_of_talk(question: str, large: Path) -> None:
    assert find_agreed_answer(question, large)


@pytest.mark.parametrize("question", EXPECTED)
def test_each_script_runs_by_itself(
    question: str, small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(v) for v in QUESTION_ARGUMENTS.get(question, ())]
    monkeypatch.setattr(sys, "argv", [f"{question}.py", str(small), *given])
    names = runpy.run_path(str(QUESTIONS_FOLDER / f"{question}.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert all(name in shown for name in EXPECTED[question][0].split()[:2])
    assert inspect.getdoc(names["with_pandas"]) is None
    assert f"questions/{question}.py data/transcripts" in names["__doc__"]


def test_the_three_short_answers_are_right(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = (QUESTIONS_FOLDER / "README.md").read_text(encoding="utf-8").split("## Three of them in short\n")[1]
    (sql,) = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    with connect(small) as db:
        _, batches = ask(db, sql)
        minutes = [row["minutes"] for batch in batches for row in batch.to_pylist()]
    assert minutes == [0.1, 0.1, 0.0, 0.0]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "transcripts").symlink_to(small)
    monkeypatch.chdir(tmp_path)
    by_hour, unsure = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    exec(by_hour, {})
    assert re.search(r"tuesday-00000002 0 +0\.0 +0\.0\n +1 +0\.0 +NaN", capsys.readouterr().out)
    exec(unsure, {})
    shown = capsys.readouterr().out
    assert re.findall(r"again\.|website\.|Yes\.", shown) == ["again.", "website.", "Yes."]


def test_words_join_as_the_recogniser_wrote_them(tmp_path: Path) -> None:
    told = make_transcript(
        [(1.0, "SPEAKER_00", ["我", "用", "budget", "写。"]), (5.0, "SPEAKER_00", ["AT&T", "ok"])],
        of=make_recording_row("mixed-00000005", 60.0, recorded_at=None),
    )
    tight = {"我", "用", "写。"}
    words = tuple(
        dataclasses.replace(
            w, space_before=w.text not in tight, confidence=0.25 if w.text in {"我", "用", "ok"} else 0.9
        )
        for w in told.words
    )
    publish(dataclasses.replace(told, words=words), tmp_path, exports={})
    ((_, _, _, context, _),) = find_agreed_answer("every_mention", tmp_path)
    assert context == "我用 budget写。 AT&T ok"
    assert [row[3] for row in find_agreed_answer("low_confidence", tmp_path)] == ["我用 ok"]


@pytest.mark.parametrize("older", [M, T])
@pytest.mark.parametrize("question", ["every_mention", "low_confidence"])
def test_files_of_before_a_column_stand_beside_others(question: str, older: str, tmp_path: Path) -> None:
    for one in (monday(), tuesday()):
        publish(one, tmp_path, exports={})
    (path,) = (tmp_path / "words").glob(f"*/{older}.parquet")
    with pq.ParquetFile(path) as file:
        held = file.read().drop_columns(["space_before"])
    pq.write_table(held, path)
    found = find_agreed_answer(question, tmp_path)
    assert [[normalize_value(v) for v in row] for row in found] == [normalize_row(r) for r in EXPECTED[question][1]]


def test_a_word_of_ones_own_is_asked_for_by_let(small: Path) -> None:
    with connect(small, {"word": "website"}) as db:
        _, batches = ask(db, (QUESTIONS_FOLDER / "every_mention.sql").read_text(encoding="utf-8"))
        rows = [row for batch in batches for row in batch.to_pylist()]
    assert [(r["recording_id"], r["link"]) for r in rows] == [
        (M, "a%20b%231.wav#t=0,16"),
        (T, "meeting.flac#t=3590,3610"),
    ]
