"""One result of `daylong doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` about the subject `about`. `missing`: does not work until that is done; `warning`: works in part."""

    level: Literal["ok", "warning", "missing"]
    about: str
    text: str


def ok(about: str, text: str) -> Finding:
    return Finding("ok", about, text)


def warning(about: str, text: str) -> Finding:
    return Finding("warning", about, text)


def missing(about: str, text: str) -> Finding:
    return Finding("missing", about, text)
