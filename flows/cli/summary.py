"""The outcome of a recording on stdout, and the tables of all commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.cli.terminal import Terminal, escape
from tasks.intervals import format_duration
from tasks.languages import format_language

SURE = 0.5
"""Probability of a language below which the summary says that it is not sure."""
DOUBT = "If it is another one: --language xx"

if TYPE_CHECKING:
    from rich.table import Table

    from flows.reporting.outcome import Outcome, SpeakerLine


def show_outcome(outcome: Outcome, terminal: Terminal) -> None:
    """Print the speakers as a table, then words, chunks, time and the paths of the files."""
    terminal.say()
    if outcome["speakers"]:
        _show_speakers(outcome, terminal)
    words, speakers, chunks = outcome["num_words"], outcome["num_speakers"], outcome["num_chunks"]
    name, duration, wall = escape(outcome["source_name"]), outcome["duration_s"], outcome["wall_s"]
    speed = f", {duration / wall:.1f} × real time" if wall > 0 else ""
    counts = f"{_format_count(words, 'word')}, {_format_count(speakers, 'speaker')}"
    result = (
        f"{name}: {counts}, {format_duration(duration)} in {_format_count(chunks, 'chunk')}; "
        f"took {format_duration(wall)}{speed}"
    )
    terminal.say(result)
    if not words:
        terminal.say("No speech was found in it." if not outcome["speech_s"] else "No words were recognised.")
    languages = outcome["languages"]
    if not languages and outcome["language"] and outcome["speech_s"]:  # a wrong one may be why there are no words
        languages = [outcome["language"]]
    if line := format_language_line(languages, outcome["language_confidence"]):
        terminal.say(line)
    terminal.say(f"Transcript  {escape(outcome['exports'])}")
    report = Path(outcome["exports"]) / "report.html"
    if report.exists():  # exports.formats may leave it out
        terminal.say(f"Report      {escape(str(report))}")
    terminal.say(f"Tables      {escape(outcome['out'])}  (recording {escape(outcome['recording_id'])})")
    for line in outcome.get("alarms", ()):
        terminal.note(escape(line), "yellow")
    if outcome["engine_calls"] == 0:
        terminal.say("Everything came from the cache: no engine was called.")
    if outcome["chunks_failed"]:
        terminal.fail(f"{name}: {outcome['chunks_failed']} of {chunks} chunks failed; the transcript lacks them.")
    elif outcome["errors"]:
        terminal.fail(f"{name}: the transcript lacks some speech.")
    for line in outcome["errors"]:
        terminal.fail(f"  {escape(line)}")
    terminal.end_log(result)


def format_language_line(languages: Sequence[str], confidence: float | None) -> str:
    """Format the line that names the recording's language, or languages; empty without one.

    `languages`: codes; `confidence`: the probability of the only one, 0–1, None if it was set.

    >>> format_language_line(["de", "en"], None)
    'Language    German (de), English (en)'
    >>> format_language_line(["cy"], 0.31)
    'Language    Welsh (cy); not sure (31%). If it is another one: --language xx'
    """
    if not languages:
        return ""
    doubt = "" if confidence is None or confidence >= SURE else f"; not sure ({confidence:.0%}). {DOUBT}"
    return f"Language    {', '.join(map(format_language, languages))}{doubt}"


def _show_speakers(outcome: Outcome, terminal: Terminal) -> None:
    rows = outcome["speakers"]
    total = sum(row["turn_s"] for row in rows) or 1.0
    table = make_table(terminal, "speaker", "minutes", "share", "words")
    for row in rows:
        minutes, share = f"{row['turn_s'] / 60:.1f}", f"{row['turn_s'] / total:.0%}"
        table.add_row(escape(_format_speaker(row)), minutes, share, f"{row['num_words']:,}")
    terminal.print_table(table)


def _format_speaker(row: SpeakerLine) -> str:
    if row["name"]:
        return f"{row['name']} ({row['speaker']})"
    return f"{row['speaker']} (perhaps {row['maybe']})" if row["maybe"] else row["speaker"]


def make_table(terminal: Terminal, first: str, *numbers: str, texts: int = 1) -> Table:
    """Make an empty table with text columns first and numbers after; without lines if stdout is no terminal."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD if terminal.out.is_terminal else None, pad_edge=False)
    for place, name in enumerate((first, *numbers)):
        table.add_column(name, justify="left" if place < texts else "right", no_wrap=True)
    return table


def _format_count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
