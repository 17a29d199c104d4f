"""What a command says beside its results, as JSON: one object a line on stderr, the libraries' words among them."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from dataclasses import dataclass

from flows.cli.terminal import Terminal, console
from tasks.logs import format_json_line

log = logging.getLogger("daylong.cli")

SAID = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} \| (?P<level>[A-Z]+) +\| (?:(?P<logger>[\w.]+) - )?(?P<message>.*)$")
"""A line of Prefect's own processes."""


@dataclass(slots=True)
class JsonTerminal(Terminal):
    """Results stay text on stdout; progress and failures are log lines."""

    @property
    def live(self) -> bool:
        return False

    def note(self, text: str, style: str | None = None) -> None:
        log.log(logging.ERROR if style == "red" else logging.INFO, "%s", text)


def json_terminal(debug: bool) -> Terminal:
    """From now on, to the process's end: descriptor 2 has JSON alone."""
    from flows.reporting.logging_setup import configure_logging, redirect_descriptors

    sys.stdout.flush()
    sys.stderr.flush()
    out, err = (os.fdopen(os.dup(fd), "w", errors="backslashreplace", buffering=1) for fd in (1, 2))
    redirect_descriptors()
    configure_logging(err, "json")
    return JsonTerminal(console(out), console(err), debug)


def as_json(line: str, logger: str) -> str:
    """A line that another process has said, as JSON; one that is JSON already stays."""
    if line.startswith('{"time":'):
        return line
    said = SAID.match(line)
    level, name, message = (said["level"], said["logger"], said["message"]) if said else ("INFO", None, line)
    return format_json_line(message, time_s=time.time(), level=level, logger=name or logger)
