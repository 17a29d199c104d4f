"""The terminal while a command runs: descriptors 1 and 2 belong to the command, library chatter goes into a log.

`opened` takes the process's file descriptors 1 and 2 away from everything but the commands, because C libraries,
child processes and loggers that were set up long ago write there too. What they write goes into a log file that is
kept, and named, where a recording failed. With `--debug` nothing is taken away.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from flows.cli.json_lines import json_terminal
from flows.cli.terminal import Terminal, console, plain, terminal


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


@contextmanager
def opened(debug: bool = False, format: str = "text") -> Iterator[Terminal]:
    """A terminal that belongs to the command alone, to the end of the process: libraries talk at exit too.

    Only an exception that nobody expected gives the descriptors back, so that it can be read. The log is removed at
    the end unless `keep_log` is set. `format`: of what is said beside the results, as in `logging.format`.
    """
    if format == "json":
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
