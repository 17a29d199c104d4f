"""`daylong inbox`: the folder-watch's ledger."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug, parse_settings
from flows.cli.summary import make_table
from flows.cli.terminal import Terminal, escape
from tasks.settings.home import home

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from tasks.intake.ledger import Ledger

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The folder-watch's ledger: what lies in the inbox, what became of what.",
    epilog="Example:  daylong inbox status",
)


@app.callback()
def inbox() -> None:
    """The folder-watch's ledger: what lies in the inbox, what became of what."""


@app.command("status", epilog="Example:  daylong inbox status --last 100 --json")
def status(
    last: Annotated[int, typer.Option(metavar="N", min=1, help="So many of the last recordings.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="inbox.folder, for one. Repeatable.")
    ] = None,
    debug: Debug = False,
) -> None:
    """What waits in the inbox, as of the last scan; what is under way; what became of the last recordings.

    It only reads: nothing is scanned, made or changed.
    """
    with open_terminal(debug) as screen:
        from flows.inbox import resolve_inbox
        from tasks.intake.ledger import read_only
        from tasks.intake.names import LEDGER
        from tasks.settings.load import load

        folder = resolve_inbox(load(parse_settings({}, assignments or [])))
        opened = read_only(folder / LEDGER)
        if opened is None:
            if as_json:
                screen.say(
                    json.dumps(
                        {
                            "inbox": _decode_path(folder),
                            "counts": {},
                            "waiting": [],
                            "not_taken": [],
                            "recordings": [],
                        }
                    )
                )
            else:
                screen.say(f"{escape(folder)}: nothing has watched it yet. Start:  daylong watch")
            return
        with opened as ledger:
            facts = _collect_status(ledger, folder, None if as_json else last)
        screen.say(json.dumps(facts, indent=2, ensure_ascii=False)) if as_json else _show_status(facts, screen)


def _collect_status(ledger: Ledger, inbox: Path, last: int | None) -> dict[str, Any]:
    return {
        "inbox": _decode_path(inbox),
        "counts": ledger.counts(),
        "waiting": [
            {"name": _decode_path(path), "since": _format_time(seen.since), "waits_for": waits or "its turn"}
            for path, seen, waits in ledger.waiting()
        ],
        "not_taken": [
            {"name": _decode_path(path), "since": _format_time(since), "reason": reason}
            for path, reason, since in ledger.leftovers()
        ],
        "recordings": [
            {
                "name": _decode_path(arrival.name),
                "state": arrival.state,
                "taken": _format_time(arrival.taken),
                "ended": _format_time(arrival.ended),
                "place": _decode_path(arrival.destination) if arrival.destination and arrival.filed else None,
                "host": arrival.host,
                "sha256": arrival.sha256,
                "attempts": content.attempts if content else None,
                "recording_id": content.recording_id if content else None,
                "run_id": content.run_id if content else None,
                "settings_digest": content.settings_digest if content else None,
                "error": content.error if content and arrival.state in ("quarantined", "returned") else None,
            }
            for arrival, content in ledger.arrivals(last)
        ],
    }


def _show_status(facts: dict[str, Any], screen: Terminal) -> None:
    if facts["waiting"]:
        table = make_table(screen, "waiting", "for", "since", texts=2)
        _fold_texts(screen, table, texts=2)
        for row in facts["waiting"]:
            table.add_row(escape(row["name"]), escape(row["waits_for"]), _format_minute(row["since"]))
        screen.print_table(table)
        screen.say()
    if facts["not_taken"]:
        table = make_table(screen, "not taken", "because", "since", texts=2)
        _fold_texts(screen, table, texts=2)
        for row in facts["not_taken"]:
            table.add_row(escape(row["name"]), escape(row["reason"]), _format_minute(row["since"]))
        screen.print_table(table)
        screen.say()
    if facts["recordings"]:
        table = make_table(screen, "recording", "became", "lies in", "attempts", "taken", texts=3)
        _fold_texts(screen, table, texts=3)
        for row in facts["recordings"]:
            place = (row["place"] or row["error"] or "").removeprefix(f"{home()}/")
            table.add_row(
                escape(row["name"]),
                row["state"],
                escape(place),
                str(row["attempts"] or ""),
                _format_minute(row["taken"]),
            )
        screen.print_table(table)
        screen.say()
    counts = ", ".join(f"{n:,} {state}" for state, n in facts["counts"].items())
    left = f", {len(facts['not_taken']):,} not taken" if facts["not_taken"] else ""
    screen.say(f"{escape(facts['inbox'])}: {counts or 'nothing taken yet'}; {len(facts['waiting'])} waiting{left}.")


def _fold_texts(screen: Terminal, table: Table, texts: int) -> None:
    """Fold long texts instead of cutting them; not on a terminal, widen the table to their length."""
    for column in table.columns[:texts]:
        column.no_wrap, column.overflow = False, "fold"
    if not screen.out.is_terminal:
        screen.out.width = 500


def _decode_path(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _format_time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _format_minute(at: str | None) -> str:
    return at[:16].replace("T", " ") if at else ""
