"""`daylong up`: Prefect's server with its UI, the deployments and a worker, in one command."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.exit_status import SIGNAL_EXITS, list_stop_signals, open_terminal
from flows.cli.json_lines import format_as_json
from flows.cli.run import Debug
from flows.cli.terminal import Terminal, escape
from flows.environment import find_named_server, import_prefect
from flows.serving.database_claim import claim_database
from flows.serving.own_server import check_place, require_answer
from flows.serving.server import Address
from flows.serving.supervisor import LineHandler, StopSignal, Supervisor
from tasks.errors import UsageError

SERVE = (sys.executable, "-P", "-c", "from flows.cli.main import main; main()", "serve")
"""Command of the server of transcripts, where `serve.enabled`."""

EXAMPLES = """Examples:

daylong up

daylong up --port 4300

PREFECT_API_URL=http://server:4200/api daylong up     a worker more for a server that runs elsewhere
"""


def up(
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="Where the server listens. [127.0.0.1: this machine alone]")
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", min=1, max=65_535, help="Its port. [4200]")] = None,
    reset: Annotated[
        bool,
        typer.Option(
            "--reset-deployments",
            help="Put prefect.yaml's parameters and schedules back over what was set in the UI.",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Start Prefect's server with its UI, put the deployments on it, and a worker beside it; Ctrl-C stops it all.

    With PREFECT_API_URL set, the server is there already: only the deployments and a worker are added. What was set
    on the server stays: parameters, schedules, what is paused.
    """
    with open_terminal(debug) as screen, _catch_stop_signals() as stop:
        from flows.inbox import resolve_inbox
        from tasks.settings.load import load

        settings = load()  # wrong ones are refused before anything is started
        import_prefect()
        hear = _make_listener(screen, settings.logging.format)
        where = _resolve_address(host, port)
        with ExitStack() as held:
            supervisor = Supervisor(
                stop,
                hear,
                lambda web: _print_addresses(web, resolve_inbox(settings), hear),
                reset=reset,
                serve_command=SERVE if settings.serve.enabled else (),
                on_server=held.enter_context(claim_database(os.environ, where.api)).note_server
                if isinstance(where, Address)
                else lambda _: None,
            )
            stopped = supervisor.run(where)
    if stopped is not None:
        hear(f"{SIGNAL_EXITS[stopped][0]} The server, the worker and their runs have ended.", "up")
        raise typer.Exit(SIGNAL_EXITS[stopped][1])


def _resolve_address(host: str | None, port: int | None) -> Address | str:
    """Resolve where to start a server, or the API of a running one. Raises UsageError if neither is possible."""
    if api := find_named_server(os.environ):
        if host or port:
            raise UsageError(
                f"PREFECT_API_URL={escape(api)} names a server that is there: leave --host and --port away."
            )
        require_answer(api)
        return api
    from prefect.settings import PREFECT_SERVER_API_HOST, PREFECT_SERVER_API_PORT

    address = Address(host or str(PREFECT_SERVER_API_HOST.value()), port or int(PREFECT_SERVER_API_PORT.value()))
    address.check_free()
    check_place(os.environ)
    return address


def _make_listener(screen: Terminal, format: str) -> LineHandler:
    """Make the listener that prints the processes' lines on stderr.

    Of the server, it prints only errors, except with --debug or as JSON.
    """

    def hear(line: str, who: str) -> None:
        if who != "server" or screen.debug or format == "json" or "ERROR" in line or "Error: " in line:
            screen.note(
                format_as_json(line, "daylong.up" if who == "up" else who) if format == "json" else escape(line)
            )

    return hear


def _print_addresses(web: str, inbox: Path, hear: LineHandler) -> None:
    for line in (
        f"Prefect's UI    {web}",
        f"A folder        {inbox}: what is put there is processed, every minute",
        f"One recording   {web}/deployments: process-recording, Run, Custom run; or: daylong run FILE",
        "Is all well?    daylong doctor",
        "Stop it all     Ctrl-C",
    ):
        hear(line, "up")


@contextmanager
def _catch_stop_signals() -> Iterator[StopSignal]:
    stop = StopSignal()
    previous_handlers = {number: signal.signal(number, stop) for number in list_stop_signals()}
    try:
        yield stop
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
