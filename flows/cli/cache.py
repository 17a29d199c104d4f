"""`daylong cache`: list the cache by step and recording, and prune it."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from flows.cli.downloading import format_size
from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.summary import make_table
from flows.cli.terminal import escape
from tasks.errors import UsageError

EXAMPLES = """Examples:

daylong cache prune --older-than 30d

daylong cache prune --max-size 20GB --dry-run

daylong cache prune --recording meeting-1f2e3d4c
"""

AGE_UNITS_S = {"h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
SIZE_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What the cache holds by step and recording; make room.",
    epilog="Example:  daylong cache list",
)


@app.command("list", epilog="Example:  daylong cache list")
def list_cache(debug: Debug = False) -> None:
    """What the cache holds: by step, and by recording whose last run came to an end."""
    with open_terminal(debug) as screen:
        import flows  # noqa: F401  # sets where Prefect keeps the steps' records
        from flows.locations import resolve_store
        from tasks.pruning.inventory import Record
        from tasks.pruning.prune import take_inventory
        from tasks.settings.load import load

        store = resolve_store(load())
        found = take_inventory(store)
        by_step: dict[str, list[Record]] = {}
        for record in found.records:
            by_step.setdefault(record.step, []).append(record)
        table = make_table(screen, "step", "results", "size", "last used")
        for step, records in sorted(by_step.items()):
            used = format_time_since(max(r.used_at for r in records))
            table.add_row(step, f"{len(records):,}", format_size(found.size_of(records)), used)
        screen.print_table(table)
        by_key = {r.key: r for r in found.records}
        table = make_table(screen, "recording", "results", "size", "last used")
        for name, keys in sorted(found.recordings.items()):
            records = [by_key[k] for k in keys if k in by_key]
            if records:
                used = format_time_since(max(r.used_at for r in records))
                table.add_row(escape(name), f"{len(records):,}", format_size(found.size_of(records)), used)
        screen.say()
        screen.print_table(table)
        screen.say()
        screen.say(
            f"{format_size(found.size)} in all, in {escape(store.root)}. "
            "Make room: daylong cache prune --older-than 30d"
        )


@app.command("prune", epilog=EXAMPLES)
def prune_cache(
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="What hasn't been used for so long: 12h, 30d, 8w.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="What hasn't been used for longest, down to this: 500MB, 20GB.")
    ] = None,
    recording: Annotated[
        list[str] | None,
        typer.Option(metavar="RECORDING", help="What only this recording used, by its id. Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    debug: Debug = False,
) -> None:
    """Remove results of steps from the cache; what is published stays. A run under way loses nothing.

    What is removed is made again when it is needed. What is left of forgotten voices goes too.
    """
    with open_terminal(debug) as screen:
        import flows  # noqa: F401  # sets where Prefect keeps the steps' records
        from flows.locations import resolve_store
        from flows.speakers.republish import finish_erasures
        from tasks.pruning.prune import prune, take_inventory
        from tasks.settings.load import load

        if older_than is None and max_size is None and not recording:
            raise UsageError("say what may go: --older-than 30d, --max-size 20GB or --recording ID.")
        settings = load()
        store = resolve_store(settings)
        known = take_inventory(store).recordings if recording else {}
        for name in recording or ():
            if name not in known:
                raise UsageError(f"--recording {escape(name)}: the cache knows none; daylong cache list tells them.")
        pruned = prune(
            store,
            older_than_s=parse_age(older_than) if older_than is not None else None,
            max_size=parse_size(max_size) if max_size is not None else None,
            recordings=recording or (),
            dry_run=dry_run,
        )
        if not dry_run:
            finish_erasures(settings)
        results = "result" if len(pruned.records) == 1 else "results"
        verb = "Would remove" if dry_run else "Removed"
        screen.say(f"{verb} {len(pruned.records):,} {results} of steps, {format_size(pruned.size)}.")


def parse_age(text: str) -> float:
    """Parse an age such as 30d as seconds. Raises UsageError for another form.

    >>> parse_age("30d"), parse_age("1.5h")
    (2592000.0, 5400.0)
    """
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([hdw])\s*", text)
    if not match:
        raise UsageError(f"--older-than {escape(text)}: write a number and h, d or w (hours, days, weeks), as 30d.")
    return float(match[1]) * AGE_UNITS_S[match[2]]


def parse_size(text: str) -> int:
    """Parse a size such as 20GB as bytes. Raises UsageError for another form.

    >>> parse_size("20GB"), parse_size("1.5 mb")
    (20000000000, 1500000)
    """
    match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,9})?)\s*([kmgt]?b)\s*", text, re.IGNORECASE)
    if not match:
        raise UsageError(f"--max-size {escape(text)}: write a number and B, KB, MB, GB or TB, as 20GB.")
    return round(float(match[1]) * SIZE_UNITS[match[2].upper()])


def format_time_since(at: float) -> str:
    """Format the time since `at` (seconds since the epoch), rounded to a unit."""
    elapsed_s = max(0.0, time.time() - at)
    for name, seconds in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if elapsed_s >= 2 * seconds:
            return f"{elapsed_s / seconds:.0f} {name} ago"
    return "just now"
