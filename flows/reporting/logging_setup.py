"""Configure logging of a run: to Prefect, and to the process's stderr as text for people or as JSON.

A worker starts one process per run. What NeMo, Lightning and C libraries write to its file descriptors 1 and 2 is
redirected to a logger at DEBUG, so that people see only the run's own log.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TextIO

from prefect.exceptions import FailedRun
from prefect.logging.configuration import ensure_logging_setup

from tasks.errors import DaylongError
from tasks.logs import DemoteLibraryRecords, JsonFormatter, current_log_fields

RUN_LOG = logging.getLogger("daylong.story")
"""Logger of a run's main events, for people."""
STEPS_LOG = "daylong.steps"
"""Logger of the ends of steps."""
QUIET_LOGGERS = ("httpx", "httpcore")
"""Loggers that report every request to Prefect's server."""
LIBRARY_LOG = logging.getLogger("daylong.libraries")
"""Logger of what libraries write to descriptors 1 and 2."""

_configured = threading.Event()


def in_worker() -> bool:
    """Whether a worker started this process, for one run."""
    return "PREFECT__FLOW_RUN_ID" in os.environ


def configure_worker_logging(format: str) -> None:
    """Configure logging in a worker's process, once; does nothing in other processes, whose command does it.

    `format`: text or json.
    """
    if _configured.is_set() or not in_worker():
        return
    _configured.set()
    configure_logging(_capture_descriptors(), format)


def configure_logging(stream: TextIO, format: str, *, debug: bool = False) -> logging.Handler:
    """Send all loggers' records to `stream` instead of their previous handlers; those of libraries at DEBUG.

    `format`: text (INFO and above; with `debug`, DEBUG) or json (all of our own and the libraries' records).
    """
    ensure_logging_setup()  # otherwise Prefect would add its own handlers later
    handler = logging.StreamHandler(stream)
    handler.addFilter(DemoteLibraryRecords())
    handler.addFilter(DropTracebacks())
    if format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        handler.addFilter(_MinimumLevelFilter(logging.DEBUG if debug else logging.INFO))
        if not debug:
            handler.addFilter(_hide_steps)
    root = logging.getLogger()
    for logger in [root, *map(logging.getLogger, ("prefect", "uvicorn", "fastapi"))]:
        for old in [h for h in logger.handlers if isinstance(h, logging.StreamHandler)]:
            logger.removeHandler(old)
    root.addHandler(handler)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    if format == "json":
        root.setLevel(min(root.level, logging.INFO))
        logging.getLogger("daylong").setLevel(logging.DEBUG)
    for name in ("daylong", "prefect.flow_runs", "prefect.task_runs"):
        for other in logging.getLogger(name).handlers:  # Prefect's handlers keep main events, not details
            other.addFilter(_MinimumLevelFilter(logging.INFO))
            other.addFilter(DropTracebacks())
    logging.captureWarnings(True)
    return handler


class TextFormatter(logging.Formatter):
    """Format records for people: time, recording, message."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        recording = current_log_fields().get("recording")
        if recording:
            record.message = f"{recording}: {record.message}"
        return super().formatMessage(record)


class DropTracebacks(logging.Filter):
    """Drop tracebacks of `DaylongError`s, which are meant for people, and Prefect's final record of a failed run."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, FailedRun):
            return False
        if isinstance(error, DaylongError):
            record.exc_info = record.exc_text = None
        return True


class _MinimumLevelFilter(logging.Filter):
    """Drop records below a level."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self._level


def _hide_steps(record: logging.LogRecord) -> bool:
    """Keep the end of each step from a terminal, where each chunk has a line; Prefect's log of the run has both."""
    return record.name != STEPS_LOG or record.levelno > logging.INFO


def _capture_descriptors() -> TextIO:
    """Redirect descriptors 1 and 2 to LIBRARY_LOG; return a copy of the original stderr for our handler."""
    stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    redirect_descriptors()
    return stderr


def redirect_descriptors() -> None:
    """Redirect what is written to descriptors 1 and 2 to LIBRARY_LOG, until the process ends."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    reader, writer = os.pipe()
    for descriptor in (1, 2):
        os.dup2(writer, descriptor)
    os.close(writer)
    lines = open(reader, encoding="utf-8", errors="replace", newline=None)  # noqa: SIM115  # to the process's end

    def forward() -> None:
        for line in lines:
            if line.strip():
                LIBRARY_LOG.debug("%s", line.rstrip())

    threading.Thread(target=forward, name="daylong-chatter", daemon=True).start()
