"""A case: what somebody does, and what should come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import DaylongError


@dataclass(frozen=True)
class Case:
    kind: str
    what: str
    right: str
    """A part of what should come of it, in one line."""
    act: Callable[[Path], str]
    """Does it in an empty folder; returns what came of it."""
    slow: bool = False
    """Whether its test is one of the slow ones."""

    def try_in(self, folder: Path) -> str:
        """What came of it in one line; an error for people is its message."""
        try:
            found = self.act(folder)
        except DaylongError as error:
            found = str(error)
        return " ".join(found.replace(str(folder), "…").split())
