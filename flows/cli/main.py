"""The `daylong` command, made of one module for each command.

Importing them is light: engines, Prefect and tables are imported by the command that needs them, when it runs.
"""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli import (
    cache,
    compare,
    corrections,
    demo,
    doctor,
    evaluate,
    export,
    inbox,
    models,
    query,
    review,
    run,
    serve,
    speaker_corrections,  # noqa: F401  # adds its commands to speakers.app
    speaker_review,  # noqa: F401  # as well
    speakers,
    subtitles,
    translate,
    up,
    watch,
)
from flows.cli.encoding import ensure_utf8
from tasks.settings.home import keep_private

app = typer.Typer(
    name="daylong",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as read_version

        typer.echo(f"daylong {read_version('daylong')}")
        raise typer.Exit


@app.callback(epilog="Try it, offline, on a bundled sample:  daylong demo")
def daylong(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Who said what, when: speaker-labelled transcripts of day-long recordings."""
    keep_private()


app.command("demo", epilog="Example:  daylong demo --out /tmp/first")(demo.demo)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("watch", epilog=watch.EXAMPLES)(watch.watch)
app.command("up", epilog=up.EXAMPLES)(up.up)
app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
app.command("doctor", epilog="Example:  daylong doctor --profile demo")(doctor.doctor)
app.command("export", epilog=export.EXAMPLES)(export.export)
app.command("translate", epilog=translate.EXAMPLES)(translate.translate)
app.command("query", epilog=query.EXAMPLES)(query.query)
app.command("review", epilog=review.EXAMPLES)(review.review)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("compare", epilog=compare.EXAMPLES)(compare.compare)
app.add_typer(models.app, name="models")
app.add_typer(cache.app, name="cache")
app.add_typer(inbox.app, name="inbox")
app.add_typer(speakers.app, name="speakers")
app.add_typer(corrections.app, name="corrections")
app.add_typer(subtitles.app, name="subtitles")


def main() -> None:
    """The console script."""
    ensure_utf8()
    app()
