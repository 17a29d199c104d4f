"""`daylong serve`: the OpenAI-compatible server."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.exit_status import SIGNAL_EXITS, open_terminal
from flows.cli.run import Debug
from flows.cli.terminal import escape

EXAMPLES = """Examples:

daylong serve

curl localhost:8000/v1/audio/transcriptions -F file=@talk.mp3 -F model=whisper-1 -F response_format=diarized_json

daylong serve --add-key laptop && daylong serve --host 0.0.0.0     with serve.api_keys set
"""


def serve(
    host: Annotated[
        str | None,
        typer.Option(metavar="HOST", help="Where it listens; others than this machine need keys. [127.0.0.1]"),
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", min=1, max=65_535, help="Its port. [8000]")] = None,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="standard, light or demo. [standard]")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting. Repeatable.")
    ] = None,
    add_key: Annotated[
        str | None,
        typer.Option(
            "--add-key", metavar="NAME", help="Make an API key, print it once, and end; needs serve.api_keys."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Serve transcripts with speakers by OpenAI's contract for audio, to programs that speak it; Ctrl-C stops it.

    Recordings are processed as by `daylong run`: tables and exports lie where all others do.
    """
    with open_terminal(debug) as screen:
        from flows.cli.run import parse_settings
        from flows.http.keys import add_key as make_key
        from flows.http.keys import resolve_keys_file
        from tasks.errors import UsageError
        from tasks.settings.load import load

        given = parse_settings({"profile": profile, "serve": {"host": host, "port": port}}, assignments or [])
        settings = load(given).serve
        if add_key is not None:
            file = resolve_keys_file(settings)
            if file is None:
                raise UsageError("--add-key: set serve.api_keys first, the file that keys are kept in.")
            screen.say(make_key(file, add_key))
            screen.note(f"Only its hash is kept, in {escape(file)}.")
            return
        from flows.http.serve import run

        def show(models: Sequence[str], log: Path) -> None:
            shown = f"[{settings.host}]" if ":" in settings.host else settings.host
            screen.note(
                f"Transcripts    http://{shown}:{settings.port}/v1  (models: whisper-1, {escape(', '.join(models))})"
            )
            screen.note(f"API page       http://{shown}:{settings.port}/docs")
            screen.note(f"Log            {escape(log)}")
            screen.note("Stop it        Ctrl-C")

        set_own_environment(given)
        try:
            stopped = run(settings, show)
        except KeyboardInterrupt:  # before it listened
            stopped = signal.SIGINT
    screen.note(f"{SIGNAL_EXITS[stopped][0]} Jobs that are not finished go on when it is started again.")
    raise typer.Exit(SIGNAL_EXITS[stopped][1])


def set_own_environment(given: dict[str, object]) -> None:
    """Hand the settings of the command line to the worker's process, as environment variables."""
    import os

    for name, value in flatten(given).items():
        os.environ["DAYLONG_" + name.replace(".", "__").upper()] = value


def flatten(nested: dict[str, object], prefix: str = "") -> dict[str, str]:
    """Flatten nested settings to dotted names.

    >>> flatten({"profile": "demo", "serve": {"port": 8000}})
    {'profile': 'demo', 'serve.port': '8000'}
    """
    found: dict[str, str] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            found |= flatten(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = str(value)
    return found
