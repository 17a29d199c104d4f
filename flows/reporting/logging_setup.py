"""Where a run's log lines go: to Prefect, and to the process's stderr as text for people or as JSON.

A worker's run process belongs to the run alone. What NeMo, Lightning and the C libraries write to its descriptors is
taken in and told at DEBUG, so that what people read is the story.
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

STORY = logging.getLogger("daylong.story")
"""What happens to a recording, in the order in which it happens."""
QUIET = ("httpx", "httpcore")
"""They tell every request to Prefect's server."""
CHATTER = logging.getLogger("daylong.libraries")

_done = threading.Event()


def in_worker() -> bool:
    """Whether a worker has started this process, for one run."""
    return "PREFECT__FLOW_RUN_ID" in os.environ


def set_up(format: str) -> None:
    """In a worker's process: everything it says goes through one handler. Once; elsewhere the command sees to it."""
    if _done.is_set() or not in_worker():
        return
    _done.set()
    speak(_taken_in(), format)


def speak(stream: TextIO, format: str, *, debug: bool = False) -> logging.Handler:
    """Send all loggers' lines to `stream`, in place of what handled them; libraries' at DEBUG.

    `format`: text (INFO and above) or json (what our own code and the libraries say in detail, too).
    """
    ensure_logging_setup()  # Prefect's own handlers would come later, and beside ours
    handler = logging.StreamHandler(stream)
    handler.addFilter(DemoteLibraryRecords())
    handler.addFilter(OneLine())
    if format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextLines("%(asctime)s  %(message)s", "%H:%M:%S"))
        handler.addFilter(_Least(logging.DEBUG if debug else logging.INFO))
    root = logging.getLogger()
    for logger in [root, *map(logging.getLogger, ("prefect", "uvicorn", "fastapi"))]:
        for old in [h for h in logger.handlers if isinstance(h, logging.StreamHandler)]:
            logger.removeHandler(old)
    root.addHandler(handler)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    if format == "json":
        root.setLevel(min(root.level, logging.INFO))
        logging.getLogger("daylong").setLevel(logging.DEBUG)
    for name in ("daylong", "prefect.flow_runs", "prefect.task_runs"):
        for other in logging.getLogger(name).handlers:  # Prefect's own history keeps the story, not the details
            other.addFilter(_Least(logging.INFO))
            other.addFilter(OneLine())
    logging.captureWarnings(True)
    return handler


class TextLines(logging.Formatter):
    """Lines for people: when, about which recording, what."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        recording = current_log_fields().get("recording")
        if recording:
            record.message = f"{recording}: {record.message}"
        return super().formatMessage(record)


class OneLine(logging.Filter):
    """Errors that are meant for people have no traceback, and are not told again at the engine's end."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, FailedRun):
            return False
        if isinstance(error, DaylongError):
            record.exc_info = record.exc_text = None
        return True


class _Least(logging.Filter):
    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self._level


def _taken_in() -> TextIO:
    """A copy of stderr for our handler; descriptors 1 and 2 lead to CHATTER from now on."""
    real = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    listen_to_descriptors()
    return real


def listen_to_descriptors() -> None:
    """Lead what is written to descriptors 1 and 2 to CHATTER."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    reader, writer = os.pipe()
    for descriptor in (1, 2):
        os.dup2(writer, descriptor)
    os.close(writer)
    lines = open(reader, encoding="utf-8", errors="replace", newline=None)  # noqa: SIM115  # to the process's end

    def listen() -> None:
        for line in lines:
            if line.strip():
                CHATTER.debug("%s", line.rstrip())

    threading.Thread(target=listen, name="daylong-chatter", daemon=True).start()
