"""Every kind of broken or odd file in one folder, through one command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import KINDS
from tests.corpus.whole import Command, run_all


def check(command: Command) -> None:
    """Each file has its transcript or its line, and the command says that some failed."""
    wrong = {}
    for name, became in command.became.items():
        kind = KINDS[name]
        fits = became.outcome == ("refused" if kind.refused else "success") or (
            kind.either and became.outcome == "success"
        )
        if not fits or len(became.lines) != (became.outcome == "refused"):
            wrong[name] = became
    assert wrong == {}
    assert command.status == 1
    assert "Traceback" not in command.said
    refused = sum(b.outcome == "refused" for b in command.became.values())
    assert f"{refused} of {len(command.became)} failed." in command.said


@pytest.mark.slow
def test_all_kinds_in_one_command(tmp_path: Path) -> None:
    command = run_all(tmp_path)
    check(command)
    assert len(command.became) >= 200
    assert command.peak_mb < 4_000
    assert command.became["wav, whole"].words >= 5
