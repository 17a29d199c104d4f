"""`daylong query`: SQL on published tables, written for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from tasks.dataset import views
from tasks.dataset.publish import publish
from tasks.dataset.schema import TABLES
from tests.helpers.sample_transcripts import HOSTILE, make_meeting, make_recording_row, make_transcript

NAME = "\x1b[2J=cmd|' /C calc'!A0.wav"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transcripts")
    formulas = ["=1+1", "-3", "@x", "+1", "\t=2", "don't"]
    facts = make_recording_row("hostile-11223344", source_name=NAME, sha256="11223344" * 8)
    publish(make_meeting(), folder, exports={})
    publish(
        make_transcript([(1.0, "SPEAKER_00", HOSTILE), (20.0, "SPEAKER_01", formulas)], of=facts),
        folder,
        exports={},
    )
    return folder


def daylong(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)


def test_answer_is_a_table(out: Path) -> None:
    done = daylong("query", "select speaker, count(*) as words from words group by all order by all", "--out", out)
    assert (done.exit_code, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows == [["speaker", "words"], ["SPEAKER_00", "51"], ["SPEAKER_01", "10"], ["UNKNOWN", "1"]]


def test_without_sql_the_tables_are_described(tmp_path: Path) -> None:
    done = daylong("query", "--out", tmp_path / "no such folder")
    assert done.exit_code == 0
    shown = " ".join(done.stdout.split())
    for table, (meaning, columns) in TABLES.items():
        assert f"{table}: {meaning[0].lower()}{meaning[1:]}" in shown
        for column in columns:
            assert f" {column.name} {column.type} {column.unit}".rstrip() in shown
    assert "wall_s double s Time that the run took." in shown


def test_sql_from_a_file_or_stdin(out: Path, tmp_path: Path) -> None:
    file = tmp_path / "count.sql"
    file.write_text("-- how many?\nselect count(*) as words\nfrom words;\n")
    for arguments, stdin in ((["--file", file], None), (["-"], file.read_text())):
        done = daylong("query", *arguments, "--out", out, "-f", "csv", stdin=stdin)
        assert (done.exit_code, done.stdout) == (0, "words\n62\n")


def test_variables_in_the_sql(out: Path) -> None:
    sql = "select count(*) as said from words where word_raw = getvariable('word')"
    done = daylong("query", sql, "--let", "word=don't", "--out", out, "-f", "csv")
    assert (done.exit_code, done.stdout) == (0, "said\n2\n")


def test_csv_keeps_text_except_formulas(out: Path) -> None:
    sql = (
        "select word, start_s, confidence from words join recordings using (recording_id) "
        "where source_name = getvariable('n')"
    )
    done = daylong("query", sql, "--let", f"n={NAME}", "--out", out, "-f", "csv")
    rows = list(csv.reader(io.StringIO(done.stdout_bytes.decode(), newline="")))
    assert rows[0] == ["word", "start_s", "confidence"]
    assert {row[2] for row in rows[1:]} == {"0.875"}
    words = [row[0] for row in rows[1:]]
    assert not [w for w in words if w.lstrip(" \t\r\n\"'").startswith(("=", "+", "-", "@")) and w[0] != "'"]
    assert {
        "'=1+1",
        "'-3",
        "'@x",
        "'+1",
        "'\t=2",
        "'-->",
        "don't",
        "one\n\n2\n00:00:03,000 --> 00:00:04,000\nthree",
    } < {*words}
    negative = daylong("query", "select -3 as n, '-3' as t", "--out", out, "-f", "csv")
    assert negative.stdout == "n,t\n-3,'-3\n"


def test_json_keeps_text_without_control_characters(out: Path) -> None:
    sql = (
        "select distinct source_name, start_at, recordings.recorded_date, parts "
        "from recordings join words using (recording_id) where word_index = 0"
    )
    done = daylong("query", sql, "--out", out, "-f", "json")
    assert all(c.isprintable() or c == "\n" for c in done.stdout)
    by_name = {row["source_name"]: row for row in json.loads(done.stdout)}
    assert by_name[NAME]["start_at"] == "2024-04-30T22:30:01Z"
    assert by_name[NAME]["recorded_date"] == "2024-05-01"
    assert by_name["meeting.flac"]["parts"][0]["duration_s"] == 60.0
    assert json.loads(daylong("query", "select 1 as a where false", "--out", out, "-f", "json").stdout) == []
    (odd,) = json.loads(
        daylong(
            "query", "select 'nan'::double a, 0.1::float b, [0.1::float] c, 2::hugeint d", "--out", out, "-f", "json"
        ).stdout
    )
    assert odd == {"a": None, "b": 0.1, "c": [0.1], "d": 2}


def test_table_shows_untrusted_text_on_one_line(out: Path) -> None:
    sql = "select source_name, word from words join recordings using (recording_id)"
    done = daylong("query", sql, "--out", out)
    assert len(done.stdout.splitlines()) == 1 + 62
    assert all(c.isprintable() or c == "\n" for c in done.stdout)
    assert "\\x1b[2J" in done.stdout


def test_long_answer_counts_the_rows_left_out(out: Path) -> None:
    done = daylong("query", "from range(1234)", "--out", out)
    assert len(done.stdout.splitlines()) == 501
    assert done.stderr.startswith("… 734 more of 1,234 rows: --rows 0 shows all of them")
    assert len(daylong("query", "from range(1234)", "--out", out, "--rows", "0").stdout.splitlines()) == 1235
    assert len(daylong("query", "from range(1234)", "--out", out, "-f", "csv").stdout.splitlines()) == 1235
    assert "No rows." in daylong("query", "from words where false", "--out", out).stderr


def test_wide_line_is_not_cut(out: Path) -> None:
    done = daylong(
        "query", "select text from segments where recording_id like 'meeting%' order by start_s", "--out", out
    )
    assert done.stdout.splitlines()[3].count("nobody listened.") == 2


def test_csv_on_a_terminal_has_no_escape_sequences(out: Path) -> None:
    mine, its = pty.openpty()
    code = "import sys; sys.argv[0] = 'daylong'; from flows.cli.main import main; main()"
    asked = ["query", "select source_name, 1 from recordings", "-f", "csv", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", code, *asked], stdout=its, check=True, env={**os.environ, "TERM": "xterm"}
    )
    os.close(its)
    shown = os.read(mine, 100_000).decode()
    os.close(mine)
    assert done.returncode == 0
    assert "\\x1b[2J=cmd" in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["selec 1"], 'syntax error at or near "selec"\nLINE 1: selec 1'),
        (["select wrd from words"], '"wrd" not found in FROM clause!\nCandidate bindings: "word"'),
        (["from wordz"], 'wordz does not exist!\nDid you mean "words"'),
        (["select cast(word as int) from words"], "Could not convert string"),
        (["select case when i > 29999 then error('late') end from range(30001) t(i)", "-f", "csv"], "late"),
        (["select 1; select 2"], "one statement at a time: there are 2."),
        (["/* nothing */"], "no SQL."),
        (["select 1", "--format", "xml"], "there are table, csv, json"),
        (["select 1", "--let", "word"], "NAME=VALUE"),
        (["select 1", "--let", "a b=1"], "letters, digits and _"),
        (["select 1", "--file", "x.sql"], "not both"),
        (["from 'https://example.org/x.parquet'"], "httpfs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_error_has_two_lines_at_most(out: Path, arguments: list[str], says: str) -> None:
    done = daylong("query", *arguments, "--out", out)
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize(
    "sql",
    [
        "copy words to '{}'",
        "with x as (copy (select 1) to '{}') select 1",
        "select * from (with x as (copy (select 1) to '{}') from x)",
        "explain analyze copy (select 1) to '{}'",
        "explain analyze with x as (copy (select 1) to '{}') select 1",
        "from enable_logging(storage = 'file', storage_path = '{}')",
        "export database '{}'",
        "attach '{}' as other",
        "create table mine as from words",
        "set threads = 1",
        "pragma enable_profiling",
    ],
)
def test_writing_statements_are_refused(out: Path, tmp_path: Path, sql: str) -> None:
    before = {p: p.read_bytes() for p in out.rglob("*.parquet")}
    done = daylong("query", sql.format(tmp_path / "written"), "--out", out)
    assert done.exit_code == 2
    assert "only reading is possible here" in done.stderr or "configuration has been locked" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert {p: p.read_bytes() for p in out.rglob("*.parquet")} == before


@pytest.mark.parametrize(
    "sql", ["explain select 1", "explain analyze from words", "describe words", "show tables", "summarize turns"]
)
def test_describing_statements_are_allowed(out: Path, sql: str) -> None:
    assert daylong("query", sql, "--out", out).exit_code == 0


def test_missing_duckdb_gives_the_install_command(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = daylong("query", "select 1", "--out", out)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "daylong query needs DuckDB, the extra `query`: pip install -c constraints.txt -e '.[query]'\n"
    )


def test_missing_results_folder_is_reported(tmp_path: Path) -> None:
    done = daylong("query", "select 1", "--out", tmp_path / "none")
    assert (done.exit_code, "no such folder of results" in done.stderr) == (2, True)
    assert daylong("query", "select count(*) as n from words", "--out", tmp_path, "-f", "csv").stdout == "n\n0\n"


@pytest.mark.parametrize("step", ["_refuse_newer", "_refuse_writing"])  # at connecting, at asking
@pytest.mark.parametrize("times", [1, views.ATTEMPTS])
def test_file_that_goes_between_listing_and_opening_is_asked_for_again(
    out: Path, monkeypatch: pytest.MonkeyPatch, step: str, times: int
) -> None:
    ask = ("query", "select count(*) as words from words", "--format", "csv", "--out", out)
    whole, does, left = daylong(*ask).stdout, getattr(views, step), [times]

    def find_gone(*args: object) -> None:
        left[0] -= 1
        if left[0] >= 0:
            path = out / "words" / "recorded_date=2001-02-03" / "gone-11223344.parquet"
            raise duckdb.IOException(f'IO Error: Cannot open file "{path}": No such file or directory')
        does(*args)

    monkeypatch.setattr(views, step, find_gone)
    monkeypatch.setattr(views, "PAUSE_S", 0.0)
    done = daylong(*ask)
    if times == 1:
        assert (done.exit_code, done.stdout, done.stderr) == (0, whole, "")
    else:
        assert done.exit_code == 1
        assert "a table is being replaced at this moment; try again." in done.stderr


def test_file_of_the_askers_own_that_is_missing_is_told_as_it_is(out: Path, tmp_path: Path) -> None:
    done = daylong("query", f"select * from read_csv('{tmp_path}/none.csv')", "--out", out)
    assert done.exit_code == 2
    assert "none.csv" in done.stderr
