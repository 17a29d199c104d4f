"""Log lines as JSON, and what each knows of where it was said."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.logs import DemoteLibraryRecords, JsonFormatter, add_log_fields, current_log_fields


def line(name: str = "daylong.x", level: int = logging.INFO, message: str = "said", **more: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"name": name, "levelno": level, "levelname": logging.getLevelName(level)} | more)
    record.msg, record.args = "%s", (message,)
    DemoteLibraryRecords().filter(record)
    told = JsonFormatter().format(record)
    assert "\n" not in told
    return dict(json.loads(told))


def test_a_line_has_every_field() -> None:
    assert list(line()) == ["time", "level", "logger", "message", "recording", "chunk", "step", "seconds"]
    assert line()["time"].endswith("+00:00")


def test_it_knows_what_it_is_about_whoever_says_it() -> None:
    with add_log_fields(recording="day.wav", chunk=3), add_log_fields(step="embedding"):
        found = line("some.library")
        assert (found["recording"], found["chunk"], found["step"]) == ("day.wav", 3, "embedding")
        assert line(seconds=1.5)["seconds"] == 1.5
    assert current_log_fields() == {}
    assert line()["recording"] is None


def test_what_libraries_say_is_a_detail_unless_it_is_an_error() -> None:
    assert line("nemo_logger", logging.WARNING)["level"] == "DEBUG"
    assert line("nemo_logger", logging.ERROR)["level"] == "ERROR"
    assert line("daylong.caching", logging.WARNING)["level"] == "WARNING"
    assert line("prefect.flow_runs", logging.INFO)["level"] == "INFO"


def test_a_traceback_is_one_field() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        found = line(level=logging.ERROR, exc_info=sys.exc_info())
    assert found["error"].startswith("Traceback")
    assert found["error"].endswith("ValueError: broken")


@given(st.text())
def test_whatever_is_said_stays_one_line(text: str) -> None:
    assert line(message=text)["message"] == text
