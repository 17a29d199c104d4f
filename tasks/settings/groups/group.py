"""What the groups of settings share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """A frozen group of settings that refuses names it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_list(given: Any) -> Any:
    """Read the items of a list, from text, too, with commas between them; return anything else as it is."""
    if isinstance(given, str):
        parts = (part.strip(" \t\"'") for part in given.strip().strip("[]()").split(","))
        return tuple(part for part in parts if part)
    return given
