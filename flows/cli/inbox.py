"""`daylong inbox`: the folder-watch's ledger."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.exit_status import told
from flows.cli.run import Debug, settings_of
from flows.cli.summary import columns
from flows.cli.terminal import Terminal, plain, terminal
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
    screen = terminal(debug)
    with told(screen):
        from flows.inbox import inbox_of
        from tasks.intake.ledger import read_only
        from tasks.intake.names import LEDGER
        from tasks.settings.load import load

        folder = inbox_of(load(settings_of({}, assignments or [])))
        found = read_only(folder / LEDGER)
        if found is None:
            if as_json:
                screen.say(json.dumps({"inbox": _text(folder), "counts": {}, "waiting": [], "recordings": []}))
            else:
                screen.say(f"{plain(folder)}: nothing has watched it yet. Start:  daylong watch")
            return
        with found as ledger:
            told_all = _facts(ledger, folder, None if as_json else last)
        screen.say(json.dumps(told_all, indent=2, ensure_ascii=False)) if as_json else _show(told_all, screen)


def _facts(ledger: Ledger, inbox: Path, last: int | None) -> dict[str, Any]:
    return {
        "inbox": _text(inbox),
        "counts": ledger.counts(),
        "waiting": [
            {"name": _text(path), "since": _at(seen.since), "waits_for": waits or "its turn"}
            for path, seen, waits in ledger.waiting()
        ],
        "recordings": [
            {
                "name": _text(arrival.name),
                "state": arrival.state,
                "taken": _at(arrival.taken),
                "ended": _at(arrival.ended),
                "place": _text(arrival.destination) if arrival.destination and arrival.filed else None,
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


def _show(told_all: dict[str, Any], screen: Terminal) -> None:
    if told_all["waiting"]:
        table = columns(screen, "waiting", "for", "since", texts=2)
        _wide(screen, table, texts=2)
        for row in told_all["waiting"]:
            table.add_row(plain(row["name"]), plain(row["waits_for"]), _clock(row["since"]))
        screen.table(table)
        screen.say()
    if told_all["recordings"]:
        table = columns(screen, "recording", "became", "lies in", "attempts", "taken", texts=3)
        _wide(screen, table, texts=3)
        for row in told_all["recordings"]:
            place = (row["place"] or row["error"] or "").removeprefix(f"{home()}/")
            table.add_row(
                plain(row["name"]), row["state"], plain(place), str(row["attempts"] or ""), _clock(row["taken"])
            )
        screen.table(table)
        screen.say()
    counts = ", ".join(f"{n:,} {state}" for state, n in told_all["counts"].items())
    screen.say(f"{plain(told_all['inbox'])}: {counts or 'nothing taken yet'}; {len(told_all['waiting'])} waiting.")


def _wide(screen: Terminal, table: Table, texts: int) -> None:
    """Names are never cut: they go on in the next line, or the line is as long as it must be."""
    for column in table.columns[:texts]:
        column.no_wrap, column.overflow = False, "fold"
    if not screen.out.is_terminal:
        screen.out.width = 500


def _text(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _at(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _clock(at: str | None) -> str:
    return at[:16].replace("T", " ") if at else ""
