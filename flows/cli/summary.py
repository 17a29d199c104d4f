"""The outcome of a recording on stdout, and the tables of all commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flows.cli.terminal import Terminal, escape
from tasks.intervals import format_duration

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
    terminal.say(
        f"{name}: {counts}, {format_duration(duration)} in {_format_count(chunks, 'chunk')}; "
        f"took {format_duration(wall)}{speed}"
    )
    if not words:
        terminal.say("No speech was found in it." if not outcome["speech_s"] else "No words were recognised.")
    terminal.say(f"Transcript  {escape(outcome['exports'])}")
    terminal.say(f"Report      {escape(str(Path(outcome['exports']) / 'report.html'))}")
    terminal.say(f"Tables      {escape(outcome['out'])}  (recording {escape(outcome['recording_id'])})")
    if outcome["engine_calls"] == 0:
        terminal.say("Everything came from the cache: no engine was called.")
    if outcome["chunks_failed"]:
        terminal.fail(f"{name}: {outcome['chunks_failed']} of {chunks} chunks failed; the transcript lacks them.")
    elif outcome["errors"]:
        terminal.fail(f"{name}: the transcript lacks some speech.")
    for line in outcome["errors"]:
        terminal.fail(f"  {escape(line)}")


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
