"""People's voices stay on the machine: a run connects to its own server alone, and logs hold no word of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.cases import clip
from tests.faults.commands import ROOT, SMALL, Place

# Every Python of the run imports it at its start, Prefect's server too.
HEARD = """
import os, sys

def heard(event, arguments):
    if event == "socket.connect":
        where = arguments[1]
    elif event == "socket.getaddrinfo":
        where = arguments[:2]
    elif event == "socket.sendto":
        where = arguments[1]
    else:
        return
    with open(os.environ["CONNECTIONS"], "a") as file:
        file.write(f"{event} {where!r}\\n")

sys.addaudithook(heard)
"""
COMMAND = "tests.faults.daylong"
pytestmark = pytest.mark.slow

OURS = ("127.0.0.1", "localhost", "::1", "(None,")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], str, Path]:
    """(what the run's processes connected to, what was logged, the place)."""
    folder = tmp_path_factory.mktemp("private")
    (folder / "sitecustomize.py").write_text(HEARD)
    connections = folder / "connections"
    place = Place.under(folder)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_", "HF_"))}
    ours = {
        "DAYLONG_HOME": str(place.home),
        "PREFECT_HOME": str(place.prefect),
        "PYTHONPATH": str(folder),
        "CONNECTIONS": str(connections),
    }
    settings = [word for setting in SMALL for word in ("--set", setting)]
    with clip(45.0) as source:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.faults.daylong",
                "run",
                str(source),
                "--profile",
                "demo",
                "--debug",
                *settings,
            ],
            cwd=ROOT,
            env=clean | ours,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return connections.read_text().splitlines(), done.stderr, place


def test_a_run_connects_to_its_own_server_and_to_nothing_else(run: tuple[list[str], str, Path]) -> None:
    connections, _, _ = run
    assert any("127.0.0.1" in line for line in connections)
    assert [line for line in connections if not any(name in line for name in OURS)] == []


def test_logs_hold_no_word_of_the_transcript(run: tuple[list[str], str, Path]) -> None:
    _, logged, place = run
    assert "Finished in state Completed" in logged
    (text,) = (place.out / "exports").glob("*/transcript.txt")
    said = [line.partition(": ")[2] for line in text.read_text().splitlines() if line]
    assert len(said) > 3
    assert [line for line in said if len(line.split()) >= 3 and line in logged] == []


def test_results_are_for_their_owner_and_the_owners_group(run: tuple[list[str], str, Path]) -> None:
    found = [f for f in (run[2].home / "data").rglob("*") if f.is_file()]
    assert len(found) > 20
    assert [f for f in found if f.stat().st_mode & 0o007] == []
