"""What the commands say and where: results on stdout, progress and failures on stderr, library chatter in a log.

`Terminal.opened` takes the process's file descriptors 1 and 2 away from everything but the commands, because C
libraries, child processes and loggers that were set up long ago write there too. What they say goes into a log
file that is kept, and named, where a recording failed. With `--debug` nothing is taken away.
"""

from __future__ import annotations

import atexit
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

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
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


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


class Warnings(logging.Handler):
    """Tells people what our own code warns of; what the libraries warn of stays in the log."""

    def __init__(self, told_to: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._told_to = told_to

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "daylong.story":  # the command tells it in its own way
            return
        with suppress(Exception):  # a warning must not end a run
            self._told_to.note(plain(record.getMessage()), style="yellow")


def terminal(debug: bool = False) -> Terminal:
    """The terminal as it is, without taking anything away: for the commands that load no engine."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return Terminal(console(sys.stdout), console(sys.stderr), debug)


@contextmanager
def opened(debug: bool = False, format: str = "text") -> Iterator[Terminal]:
    """A terminal that belongs to the command alone, to the end of the process: libraries talk at exit too.

    Only an exception that nobody expected gives the descriptors back, so that it can be read. The log is removed at
    the end unless `keep_log` is set. `format`: of what is said beside the results, as in `logging.format`.
    """
    if format == "json":
        from flows.cli.json_lines import json_terminal

        yield json_terminal(debug)
        return
    if debug:
        yield terminal(debug=True)
        return
    mine, give_back = _taken()
    try:
        yield mine
    except (typer.Exit, SystemExit):
        raise
    except BaseException:
        give_back()
        raise


def _taken() -> tuple[Terminal, Callable[[], None]]:
    warnings.simplefilter("ignore")
    for name in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("PREFECT_LOGGING_COLORS", "false")
    handle, path = tempfile.mkstemp(prefix="daylong-", suffix=".log")
    _append(handle)
    sys.stdout.flush()
    sys.stderr.flush()
    # Copies of the real ones; children don't inherit them, so a reader of our pipe isn't kept waiting by a child.
    files = [
        os.fdopen(_copy(fd), "w", encoding=stream.encoding, errors="backslashreplace", buffering=1)
        for fd, stream in ((1, sys.stdout), (2, sys.stderr))
    ]
    for fd in (1, 2):
        os.dup2(handle, fd)
    os.close(handle)
    mine = Terminal(console(files[0]), console(files[1]), log=Path(path))
    warned = Warnings(mine)
    logging.getLogger("daylong").addHandler(warned)

    def give_back() -> None:
        logging.getLogger("daylong").removeHandler(warned)
        sys.stdout.flush()
        sys.stderr.flush()
        for file, fd in zip(files, (1, 2), strict=True):
            if not file.closed:
                os.dup2(file.fileno(), fd)
                with suppress(OSError):  # nobody reads it any more
                    file.close()
        if not mine.keep_log:
            Path(path).unlink(missing_ok=True)

    # Registered before the libraries register theirs, so it runs after them.
    atexit.register(give_back)
    return mine, give_back


def _append(fd: int) -> None:
    """Write at the file's end, wherever that is by then: it may be cut off meanwhile."""
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)


def _copy(fd: int) -> int:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)


def console(file: TextIO) -> Console:
    """A console that prints text as it is."""
    from rich.console import Console

    width = None if file.isatty() else WHOLE
    return Console(file=file, highlight=False, markup=False, emoji=False, width=width)


def _line(console: Console, text: str, style: str | None) -> None:
    console.print(text, style=style, soft_wrap=True)
