"""A line of `daylong doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """`missing`: something can't work until `text` is done; `warning`: it works, but not all of it."""

    level: Literal["ok", "warning", "missing"]
    about: str
    text: str


def ok(about: str, text: str) -> Finding:
    return Finding("ok", about, text)


def warning(about: str, text: str) -> Finding:
    return Finding("warning", about, text)


def missing(about: str, text: str) -> Finding:
    return Finding("missing", about, text)
