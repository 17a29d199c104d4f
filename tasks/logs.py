"""What every log line knows of where it was said, and the lines as JSON.

A line about a recording carries its name, its chunk and its step, whoever wrote it: our own code, or a library that
was called there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

FIELDS = ("recording", "chunk", "step", "seconds")
OURS = ("daylong", "prefect")

_where: ContextVar[dict[str, Any]] = ContextVar("daylong_where", default={})  # noqa: B039  # never changed, only replaced


@contextmanager
def add_log_fields(**facts: Any) -> Iterator[None]:
    """Lines that are logged meanwhile, in this thread and in those that copy its context, carry these of FIELDS."""
    token = _where.set(_where.get() | facts)
    try:
        yield
    finally:
        _where.reset(token)


def current_log_fields() -> dict[str, Any]:
    """The fields set by `add_log_fields` in this context."""
    return dict(_where.get())


def is_ours(logger: str) -> bool:
    return logger.split(".")[0] in OURS


class DemoteLibraryRecords(logging.Filter):
    """What libraries say is a detail, whatever they call it: below ERROR it is told at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not is_ours(record.name) and logging.DEBUG < record.levelno < logging.ERROR:
            record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and recording, chunk, step and seconds (null where
    they say nothing), and error, the traceback, where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        error = self.formatException(record.exc_info) if record.exc_info else None
        return format_json_line(
            record.getMessage(),
            time_s=record.created,
            level=record.levelname,
            logger=record.name,
            error=error,
            **_where.get() | {k: v for k in FIELDS if (v := getattr(record, k, None)) is not None},
        )


def format_json_line(
    message: str, *, time_s: float, level: str, logger: str, error: str | None = None, **facts: Any
) -> str:
    """The same of a line that came from elsewhere; `time_s`: since the epoch."""
    told = {
        "time": datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "logger": logger,
        "message": message,
        **{name: facts.get(name) for name in FIELDS},
    }
    if error:
        told["error"] = error
    return json.dumps(told, ensure_ascii=False, default=str)
