"""The terminal of a command that loads engines: descriptors 1 and 2 are the command's, library output goes to a log.

`open_session` redirects the process's file descriptors 1 and 2, because C libraries, child processes and loggers that
were set up earlier write there too. Their output goes to a log file, which is kept and named if a recording failed.
With `--debug` nothing is redirected.
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

from flows.cli.exit_status import open_terminal, translate_errors
from flows.cli.json_lines import make_json_terminal
from flows.cli.terminal import Terminal, escape, make_console


class WarningHandler(logging.Handler):
    """Print warnings of our own loggers on the terminal; those of libraries stay in the log."""

    def __init__(self, screen: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "daylong.story":  # the command prints these lines itself
            return
        with suppress(Exception):  # a warning must not end a run
            self._screen.note(escape(record.getMessage()), style="yellow")


@contextmanager
def open_session(debug: bool = False, format: str = "text") -> Iterator[Terminal]:
    """Yield a terminal that the command alone writes to; errors in the `with` block are translated.

    The redirection lasts to the end of the process, since libraries write at exit too; only an unexpected exception
    restores the descriptors, so that its traceback is visible. The log is removed at the end unless `keep_log` is
    set. `format`: of the lines on stderr, as in `logging.format`.
    """
    if format == "json":
        screen = make_json_terminal(debug)
        with translate_errors(screen):
            yield screen
        return
    if debug:
        with open_terminal(debug=True) as screen:
            yield screen
        return
    screen, restore = _redirect_descriptors()
    try:
        with translate_errors(screen):
            yield screen
    except (typer.Exit, SystemExit):
        raise
    except BaseException:
        restore()
        raise


def _redirect_descriptors() -> tuple[Terminal, Callable[[], None]]:
    warnings.simplefilter("ignore")
    for name in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("PREFECT_LOGGING_COLORS", "false")
    handle, path = tempfile.mkstemp(prefix="daylong-", suffix=".log")
    _set_append_mode(handle)
    sys.stdout.flush()
    sys.stderr.flush()
    # Children don't inherit these copies, so a child doesn't keep the reader of our pipe waiting.
    files = [
        os.fdopen(_copy_descriptor(fd), "w", encoding=stream.encoding, errors="backslashreplace", buffering=1)
        for fd, stream in ((1, sys.stdout), (2, sys.stderr))
    ]
    for fd in (1, 2):
        os.dup2(handle, fd)
    os.close(handle)
    screen = Terminal(make_console(files[0]), make_console(files[1]), log=Path(path))
    handler = WarningHandler(screen)
    logging.getLogger("daylong").addHandler(handler)

    def restore() -> None:
        logging.getLogger("daylong").removeHandler(handler)
        sys.stdout.flush()
        sys.stderr.flush()
        for file, fd in zip(files, (1, 2), strict=True):
            if not file.closed:
                os.dup2(file.fileno(), fd)
                with suppress(OSError):  # nobody reads it any more
                    file.close()
        if not screen.keep_log:
            Path(path).unlink(missing_ok=True)

    # Registered before the libraries register theirs, so it runs after them.
    atexit.register(restore)
    return screen, restore


def _set_append_mode(fd: int) -> None:
    """Set O_APPEND, so that writes go to the file's end after it has been truncated."""
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)


def _copy_descriptor(fd: int) -> int:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
