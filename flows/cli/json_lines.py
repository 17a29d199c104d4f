"""A command's lines on stderr as JSON, one object a line, those of libraries included."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from dataclasses import dataclass

from flows.cli.terminal import Terminal, make_console
from tasks.logs import format_json_line

log = logging.getLogger("daylong.cli")

PREFECT_LINE = re.compile(
    r"^\d\d:\d\d:\d\d\.\d{3} \| (?P<level>[A-Z]+) +\| (?:(?P<logger>[\w.]+) - )?(?P<message>.*)$"
)
"""A log line of Prefect's own processes."""


@dataclass(slots=True)
class JsonTerminal(Terminal):
    """A terminal with results as text on stdout; progress and failures are log records."""

    @property
    def live(self) -> bool:
        return False

    def note(self, text: str, style: str | None = None) -> None:
        log.log(logging.ERROR if style == "red" else logging.INFO, "%s", text)

    def end_log(self, result: str) -> None:
        """The run's own last record says it."""


def make_json_terminal(debug: bool) -> Terminal:
    """Make the terminal for JSON; from here to the process's end, descriptor 2 carries JSON alone."""
    from flows.reporting.logging_setup import configure_logging, redirect_descriptors

    sys.stdout.flush()
    sys.stderr.flush()
    out, err = (os.fdopen(os.dup(fd), "w", errors="backslashreplace", buffering=1) for fd in (1, 2))
    redirect_descriptors()
    configure_logging(err, "json")
    return JsonTerminal(make_console(out), make_console(err), debug)


def format_as_json(line: str, logger: str) -> str:
    """Format a line of another process as JSON; a line that is JSON already stays."""
    if line.startswith('{"time":'):
        return line
    match = PREFECT_LINE.match(line)
    level, name, message = (match["level"], match["logger"], match["message"]) if match else ("INFO", None, line)
    return format_json_line(message, time_s=time.time(), level=level, logger=name or logger)
