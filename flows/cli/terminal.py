"""The terminal of a command: results on stdout, progress and failures on stderr, text of strangers made safe."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tasks.text import escape_unprintable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


LONGEST_LOG = 20_000_000
"""Bytes."""


def plain(text: object) -> str:
    """Text of strangers, safe for a terminal: control characters, line breaks and the like are escaped.

    >>> plain("a\\nb\\x1b[2Jc")
    'a\\\\nb\\\\x1b[2Jc'
    """
    return escape_unprintable(str(text))


WHOLE = 10_000
"""Columns: a program that reads a table wants all of it."""


@dataclass(slots=True)
class Terminal:
    """Two consoles, and the file that holds what the libraries said (None with --debug)."""

    out: Console
    err: Console
    debug: bool = False
    log: Path | None = None
    keep_log: bool = False
    """Whether the file stays when the command ends."""

    @property
    def live(self) -> bool:
        """Whether progress may be drawn over itself."""
        return self.err.is_terminal and not self.debug

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line of a result, never wrapped."""
        _line(self.out, text, style)

    def put(self, content: str | bytes) -> None:
        """A whole file, as it is, on stdout."""
        if isinstance(content, str):
            self.out.file.write(content)
            return
        self.out.file.flush()
        self.out.file.buffer.write(content)  # type: ignore[attr-defined]  # a text stream over bytes

    def note(self, text: str, style: str | None = None) -> None:
        """A line beside the result: progress, a failure."""
        _line(self.err, text, style)

    def shorten_log(self) -> None:
        """What the libraries said goes where it has become long: a command that runs for months fills no disk."""
        if self.log is not None:
            with suppress(FileNotFoundError):
                if self.log.stat().st_size > LONGEST_LOG:
                    os.truncate(self.log, 0)

    def table(self, table: Table) -> None:
        """A table of a result; where nobody looks at it as wide as it is, without the blanks at its right."""
        if self.out.is_terminal:
            self.out.print(table)
            return
        with self.out.capture() as drawn:
            self.out.print(table)
        for line in drawn.get().splitlines():
            self.say(line.rstrip())

    def fail(self, message: str) -> None:
        """Why something failed, as lines on stderr."""
        self.note("\n".join(plain(line) for line in message.splitlines()), style="red")


def terminal(debug: bool = False) -> Terminal:
    """The terminal as it is, without taking anything away: for the commands that load no engine."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return Terminal(console(sys.stdout), console(sys.stderr), debug)


def console(file: TextIO) -> Console:
    """A console that prints text as it is."""
    from rich.console import Console

    width = None if file.isatty() else WHOLE
    return Console(file=file, highlight=False, markup=False, emoji=False, width=width)


def _line(console: Console, text: str, style: str | None) -> None:
    console.print(text, style=style, soft_wrap=True)
