"""`daylong query`: SQL on the tables, by DuckDB."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.exit_status import open_terminal
from flows.cli.export import find_results
from flows.cli.query_output import FORMATS, write_answer
from flows.cli.run import Debug
from flows.cli.summary import make_table
from flows.cli.terminal import Terminal, escape
from tasks.errors import UsageError

EXAMPLES = """Examples:

daylong query

daylong query "select speaker, round(sum(turn_s) / 60, 1) as minutes from speakers group by all order by minutes desc"

daylong query "select recording_id, start_s, word from words where word_raw = 'budget'" --format csv > budget.csv

daylong query --file data/recipes/questions/every_mention.sql --let word=budget
"""

MAX_ROWS = 500


def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL", help="What to ask; - reads it from stdin. Left out: the tables and their columns."
        ),
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Read the SQL from a file.")] = None,
    form: Annotated[
        str, typer.Option("--format", "-f", metavar="F", help="How the answer is written: table, csv or json.")
    ] = "table",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The folder with the results. [data/transcripts]"),
    ] = None,
    let: Annotated[
        list[str] | None,
        typer.Option("--let", metavar="NAME=VALUE", help="A value for getvariable('NAME') in the SQL. Repeatable."),
    ] = None,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=0, help="So many rows has a table at most; 0: all.")
    ] = MAX_ROWS,
    debug: Debug = False,
) -> None:
    """Ask the tables in SQL: recordings, segments, words, turns, speakers and chunks, over all recordings.

    The files are only read. Text is written so that no terminal and no spreadsheet takes it for commands: in CSV,
    an apostrophe stands before what begins like a formula.
    """
    with open_terminal(debug) as screen:
        if form not in FORMATS:
            raise UsageError(f"--format {form}: there is no such format; there are {', '.join(FORMATS)}.")
        statement = _read_sql(sql, file)
        if statement is None:
            _show_tables(screen)
            return
        from tasks.dataset import views

        values = dict(map(_parse_value, let or []))
        with views.open_answer(find_results(out), values, statement) as (schema, batches):
            write_answer(schema, batches, form, screen, rows)


def _read_sql(sql: str | None, file: Path | None) -> str | None:
    if sql is not None and file is not None:
        raise UsageError("give the SQL or --file, not both.")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except UnicodeDecodeError as err:
            raise UsageError(f"{file}: not a text in UTF-8.") from err
    return sys.stdin.read() if sql == "-" else sql


def _parse_value(given: str) -> tuple[str, str]:
    name, mark, value = given.partition("=")
    if not mark:
        raise UsageError(f"--let {given}: write it NAME=VALUE, as word=budget.")
    return name, value


def _show_tables(screen: Terminal) -> None:
    from tasks.dataset.schema import EVERY_TABLE

    for name, (meaning, columns) in EVERY_TABLE.items():
        screen.say(f"{name}: {meaning[0].lower()}{meaning[1:]}", style="bold")
        table = make_table(screen, "  column", "type", "unit", "meaning", texts=4)
        table.columns[3].no_wrap = False
        for column in columns:
            null = " Or null." if column.nullable and "null" not in column.meaning else ""
            table.add_row(f"  {column.name}", column.type, column.unit, f"{escape(column.meaning)}{null}")
        table.add_row("  recorded_date", "date", "", "The day on which the recording starts: the folder of the file.")
        screen.print_table(table)
        screen.say()
    screen.say('Ask them:  daylong query "select speaker, count(*) from words group by all"')
