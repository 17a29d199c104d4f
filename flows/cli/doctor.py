"""`daylong doctor`: what is there, what is missing, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.exit_status import FAILED, open_terminal
from flows.cli.run import Debug
from flows.cli.terminal import escape
from flows.environment import import_prefect

STYLES = {"ok": None, "warning": "yellow", "missing": "red"}


def doctor(
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="The profile whose weights are looked for. [as set]")
    ] = None,
    debug: Debug = False,
) -> None:
    """Look at the decoder, devices, weights, disks, the database, and Prefect's server, worker and schedules.

    A line each: ok, warning (it works, but not all of it, or not at its best) or missing, with what to do. Exit
    status: 1 if anything is missing.
    """
    with open_terminal(debug) as screen:
        from flows.serving.health import run_checks
        from tasks.settings.load import load

        settings = load({"profile": profile})
        import_prefect()
        missing = 0
        for finding in run_checks(settings):
            missing += finding.level == "missing"
            screen.say(f"{finding.level:8} {finding.about:10} {escape(finding.text)}", STYLES[finding.level])
    if missing:
        raise typer.Exit(FAILED)
