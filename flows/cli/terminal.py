"""The terminal of a command: results on stdout, progress and failures on stderr, untrusted text escaped."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

from tasks.text import escape_unprintable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


MAX_LOG_BYTES = 20_000_000
"""Bytes of the log after which it is truncated."""


def escape(text: object) -> str:
    """Escape untrusted text for a terminal: control characters, line breaks and other unprintable characters.

    >>> escape("a\\nb\\x1b[2Jc")
    'a\\\\nb\\\\x1b[2Jc'
    """
    return escape_unprintable(str(text))


UNLIMITED_WIDTH = 10_000
"""Columns of a table for a program, which reads all of it."""


@dataclass(slots=True)
class Terminal:
    """Consoles on stdout and stderr, and the log file with the output of libraries (None with --debug)."""

    out: Console
    err: Console
    debug: bool = False
    log: Path | None = None
    keep_log: bool = False
    """Whether the file stays when the command ends."""

    @property
    def live(self) -> bool:
        """Whether a progress bar may be drawn."""
        return self.err.is_terminal and not self.debug

    def say(self, text: str = "", style: str | None = None) -> None:
        """Print a line of a result, never wrapped."""
        _print_line(self.out, text, style)

    def write_file(self, content: str | bytes) -> None:
        """Write the content of a file to stdout, unchanged."""
        if isinstance(content, str):
            self.out.file.write(content)
            return
        self.out.file.flush()
        self.out.file.buffer.write(content)  # type: ignore[attr-defined]  # a text stream over bytes

    def note(self, text: str, style: str | None = None) -> None:
        """Print a line on stderr: progress, a failure."""
        _print_line(self.err, text, style)

    def end_log(self, result: str) -> None:
        """Print the line of a result on stderr, too, where that goes to a file of its own: a log ends with it."""
        if not self.err.is_terminal and _go_elsewhere(self.out.file, self.err.file):
            self.note(result)

    def shorten_log(self) -> None:
        """Truncate a long log, so that a command that runs for months doesn't fill the disk."""
        if self.log is not None:
            with suppress(FileNotFoundError):
                if self.log.stat().st_size > MAX_LOG_BYTES:
                    os.truncate(self.log, 0)

    def print_table(self, table: Table) -> None:
        """Print a table of a result; not on a terminal, at its full width and without trailing blanks."""
        if self.out.is_terminal:
            self.out.print(table)
            return
        with self.out.capture() as drawn:
            self.out.print(table)
        for line in drawn.get().splitlines():
            self.say(line.rstrip())

    def fail(self, message: str) -> None:
        """Print the reason of a failure on stderr."""
        self.note("\n".join(escape(line) for line in message.splitlines()), style="red")


def make_terminal(debug: bool = False) -> Terminal:
    """Make a terminal on stdout and stderr as they are, for commands that load no engine."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return Terminal(make_console(sys.stdout), make_console(sys.stderr), debug)


def make_console(file: TextIO) -> Console:
    """Make a console that prints text without markup or highlighting."""
    from rich.console import Console

    width = None if file.isatty() else UNLIMITED_WIDTH
    return Console(file=file, highlight=False, markup=False, emoji=False, width=width)


def _go_elsewhere(out: IO[str], err: IO[str]) -> bool:
    """Whether two streams go to different files; False for streams that go to none."""
    try:
        return not os.path.sameopenfile(out.fileno(), err.fileno())
    except (OSError, ValueError):
        return False


def _print_line(console: Console, text: str, style: str | None) -> None:
    console.print(text, style=style, soft_wrap=True)
