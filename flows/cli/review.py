"""`daylong review`: where listening finds most errors, and a page that saves what is corrected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.corrections import Out
from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.terminal import escape

if TYPE_CHECKING:
    from flows.review.session import Review
    from tasks.review.spans import Prospect

EXAMPLES = """Examples:

daylong review monday-1f2e3d4c --minutes 10

daylong review monday-1f2e3d4c --list
"""


def review(
    recording: Annotated[str, typer.Argument(metavar="RECORDING", help="Its id, how it begins, or its file's name.")],
    minutes: Annotated[
        float, typer.Option(metavar="N", min=0.1, max=1440, help="Minutes that you want to listen.")
    ] = 10.0,
    only_list: Annotated[bool, typer.Option("--list", help="Print what to listen to, and end.")] = False,
    audio: Annotated[
        Path | None, typer.Option(metavar="FILE|DIR", help="The recording, where its report doesn't find it.")
    ] = None,
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65_535, help="Of the page. [any free one]")] = 0,
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser. [open]")] = True,
    out: Out = None,
    debug: Debug = False,
) -> None:
    """Listen where it finds most errors: a page on this machine that saves what you correct into the results.

    Prints what so many minutes of listening are expected to buy, and again after each correction; Ctrl-C ends it. The
    address holds for one browser. Confidences are calibrated on what was corrected before; where `daylong compare`
    has been run, places that another recogniser heard otherwise come first.
    """
    with open_terminal(debug) as screen:
        from flows.cli.export import find_results
        from flows.review.session import Review

        def say(line: str) -> None:
            screen.say(escape(line))

        held = Review(find_results(out), recording, 60 * minutes, audio=audio, say=say)
        prospect = held.find_prospect()
        say(f"{str(prospect)[0].upper()}{str(prospect)[1:]}")
        if only_list:
            _print_lines(held, prospect, say)
            return
        from flows.review.serve import serve

        def show(address: str) -> None:
            screen.note(f"Review         {address}")
            screen.note("Stop it        Ctrl-C")
            if opens:
                import webbrowser

                webbrowser.open(address)

        serve(held, port, show)


def _print_lines(held: Review, prospect: Prospect, say: Callable[[str], None]) -> None:
    from tasks.intervals import format_timestamp

    texts = {s.index: s.text for s in held.transcript.segments}
    for line in prospect.lines:
        start = format_timestamp(round(line.span.start_s * 1000))
        say(f"{start}  {line.errors:4.1f}  {texts[line.segment]}")
