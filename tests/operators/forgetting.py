"""Forgetting a person while somebody else's run is alive, and after it ended: all files are searched."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.voices_home import MON, NAME, WED, VoicesHome, live_run
from tests.operators.case import Case

STATES = "Forgotten|Being forgotten already|Being forgotten|nobody of that name"


def forgotten_beside(recording_id: str, result: str) -> Callable[[Path], str]:
    """Forget a voice while a run of this recording uses this recording's cached result; then let the run end."""

    def act(folder: Path) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAYLONG_HOME", str(folder))
            patch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
            home = VoicesHome(folder)
            with live_run(recording_id, home.results[result]):
                said = home.speakers("forget", NAME, "--yes")
                meanwhile = _count(home)
                again = home.speakers("forget", NAME, "--yes") if meanwhile else "nobody of that name"
            first, second = (re.findall(STATES, text)[0] for text in (said, again))
            return f"{first}; meanwhile {meanwhile}; again: {second}; after it {_count(home)}"

    return act


def _count(home: VoicesHome) -> dict[str, int]:
    found = {"name": len(home.find_name()), "embedding": len(home.find_embedding())}
    return {what: number for what, number in found.items() if number}


CASES = (
    Case(
        "forgetting",
        "a run of another recording is alive",
        "Forgotten; meanwhile {}; again: nobody of that name; after it {}",
        forgotten_beside(WED, "wed"),
    ),
    Case(
        "forgetting",
        "a run of a recording of theirs is alive",
        "Being forgotten; meanwhile {'embedding': 1}; again: Being forgotten already; after it {}",
        forgotten_beside(MON, "mon"),
    ),
)
