"""`daylong demo`: the whole pipeline on the bundled sample, offline."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.cli.exit_status import FAILED, told
from flows.cli.processing import process
from flows.cli.run import Debug, Out, lines_of, settings_of
from flows.cli.session import opened
from flows.cli.terminal import Terminal, plain, terminal
from tasks.errors import UsageError
from tasks.settings.home import sample, transcripts

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome

LINES = 12
"""Of the transcript, shown as a taste."""


def demo(out: Out = None, debug: Debug = False) -> None:
    """The whole pipeline on the bundled sample, with the bundled weights, offline."""
    with told(terminal(debug)):
        if not sample().is_file():
            raise UsageError(f"{sample()}: the bundled sample is missing; run daylong from its clone.")
        settings = settings_of({"profile": "demo", "out": os.path.abspath(out or transcripts())}, [])
    with opened(debug, lines_of(settings)) as told_to, told(told_to):
        done = process([str(sample())], settings, told_to)
        for outcome in done.outcomes:
            _taste(outcome, told_to)
            _next(outcome, told_to)
    if done.failed:
        raise typer.Exit(FAILED)


def _taste(outcome: Outcome, terminal: Terminal) -> None:
    from tasks.dataset.read import read_transcript
    from tasks.exports.text import format_timestamp, to_ms
    from tasks.text import to_one_line

    transcript = read_transcript(Path(outcome["out"]), outcome["recording_id"])
    terminal.say()
    for segment in transcript.segments[:LINES]:
        who = f"{segment.speaker}: " if segment.speaker else ""
        terminal.say(f"[{format_timestamp(to_ms(segment.start_s), '')}] {who}{plain(to_one_line(segment.text))}")
    if len(transcript.segments) > LINES:
        terminal.say(f"… {len(transcript.segments) - LINES} more in transcript.txt")


def _next(outcome: Outcome, terminal: Terminal) -> None:
    references = [shlex.quote(_short(sample().with_suffix(s))) for s in (".stm", ".rttm")]
    terminal.say()
    terminal.say("How right is it?   daylong evaluate --reference " + " ".join([*references, _short(outcome["out"])]))
    terminal.say("Who is that?       daylong speakers list")
    terminal.say("Your own:          daylong run your.mp3")


def _short(path: Path | str) -> str:
    """The path from here, where it lies below."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return absolute if relative.startswith("..") else relative
