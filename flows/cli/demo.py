"""`daylong demo`: the whole pipeline on the bundled sample, offline."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.cli.exit_status import FAILED, open_terminal
from flows.cli.processing import process
from flows.cli.run import Debug, Out, parse_settings, read_log_format
from flows.cli.session import open_session
from flows.cli.terminal import Terminal, escape
from tasks.errors import UsageError
from tasks.settings.home import sample, transcripts

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome

EXCERPT_LINES = 12
"""Segments of the transcript that are shown."""


def demo(out: Out = None, debug: Debug = False) -> None:
    """The whole pipeline on the bundled sample, with the bundled weights, offline."""
    with open_terminal(debug):
        if not sample().is_file():
            raise UsageError(f"{sample()}: the bundled sample is missing; run daylong from its clone.")
        settings = parse_settings({"profile": "demo", "out": os.path.abspath(out or transcripts())}, [])
    with open_session(debug, read_log_format(settings)) as screen:
        done = process([str(sample())], settings, screen)
        for outcome in done.outcomes:
            _show_excerpt(outcome, screen)
            _suggest_commands(outcome, screen)
    if done.failed:
        raise typer.Exit(FAILED)


def _show_excerpt(outcome: Outcome, terminal: Terminal) -> None:
    from tasks.dataset.read import read_transcript
    from tasks.exports.text import to_ms
    from tasks.intervals import format_timestamp
    from tasks.text import to_one_line

    transcript = read_transcript(Path(outcome["out"]), outcome["recording_id"])
    terminal.say()
    for segment in transcript.segments[:EXCERPT_LINES]:
        who = f"{segment.speaker}: " if segment.speaker else ""
        terminal.say(f"[{format_timestamp(to_ms(segment.start_s), '')}] {who}{escape(to_one_line(segment.text))}")
    if len(transcript.segments) > EXCERPT_LINES:
        terminal.say(f"… {len(transcript.segments) - EXCERPT_LINES} more in transcript.txt")


def _suggest_commands(outcome: Outcome, terminal: Terminal) -> None:
    references = [shlex.quote(_shorten_path(sample().with_suffix(s))) for s in (".stm", ".rttm")]
    folder = _shorten_path(outcome["out"])
    terminal.say()
    terminal.say("How right is it?   daylong evaluate --reference " + " ".join([*references, folder]))
    terminal.say("Who is that?       daylong speakers list")
    terminal.say("Your own:          daylong run your.mp3")


def _shorten_path(path: Path | str) -> str:
    """Shorten a path below the working directory to its relative form."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return absolute if relative.startswith("..") else relative
