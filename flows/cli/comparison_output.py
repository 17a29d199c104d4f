"""A comparison of recognisers on the terminal, as a page to listen to, and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.summary import make_table
from flows.cli.terminal import Terminal, escape
from tasks.storage.atomic import write_atomically
from tasks.text import to_one_line

if TYPE_CHECKING:
    from tasks.comparison.records import Comparison

SHOWN_TEXT = 160
"""Characters of a text that the terminal shows; the page shows all."""


def show_comparison(found: Comparison, screen: Terminal) -> None:
    """Print the table, what failed, and the places."""
    from tasks.comparison import tables

    screen.say()
    screen.say(escape(found.source_name), style="bold")
    _show_table([tables.list_columns(found), *tables.list_rows(found)], tables.TEXT_COLUMNS, screen)
    if agreement := tables.list_agreement(found):
        _show_table(agreement, 1, screen)
    screen.say(escape(tables.format_remark(found)))
    for line in tables.list_errors(found):
        screen.fail(line)
    if not found.places:
        return
    screen.say()
    screen.say("Where they differ most", style="bold")
    for place in found.places:
        screen.say(tables.format_span(place.span))
        for label, text in tables.list_texts(found, place):
            line = to_one_line(text)
            shown = line if len(line) <= SHOWN_TEXT else f"{line[:SHOWN_TEXT]}…"
            screen.say(f"    {escape(label)}: {escape(shown)}")


def _show_table(rows: Sequence[Sequence[str]], texts: int, screen: Terminal) -> None:
    table = make_table(screen, *rows[0], texts=texts)
    for column in table.columns[:texts]:
        column.no_wrap, column.overflow = False, "fold"  # on a narrow terminal names are folded, not figures
    for row in rows[1:]:
        table.add_row(*map(escape, row))
    screen.print_table(table)


def write_page(found: Comparison, recording: Path, out: Path) -> Path:
    """Write the page of a comparison, and each candidate's words beside it; return the page's path."""
    from tasks.comparison.page import render_page
    from tasks.comparison.words_file import FOLDER, SUFFIX, write_runs

    page = out / FOLDER / f"{found.recording_id}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    words = json.dumps(write_runs(found.runs), ensure_ascii=False)
    write_atomically(page.with_name(found.recording_id + SUFFIX), words, durable=False)
    write_atomically(page, render_page(found, recording), durable=False)
    return page


def write_json(found: Sequence[Comparison], file: Path) -> None:
    """Write the figures of comparisons into a JSON file."""
    text = json.dumps([to_json(one) for one in found], indent=1, ensure_ascii=False) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text, durable=False)


def to_json(found: Comparison) -> dict[str, Any]:
    """Convert a comparison to plain JSON values, without the words: shares are fractions, times seconds."""
    out = dataclasses.asdict(found)
    for run, whole in zip(out["runs"], found.runs, strict=True):
        run["words"] = len(whole.words)
    return out
