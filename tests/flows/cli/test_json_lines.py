"""`daylong run` with `logging.format = json`: results as text on stdout, all else as JSON on stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.daylong_server import make_environment
from tests.helpers.sound_files import cut_sample

SETTINGS = """
profile = "demo"
logging.format = "json"
metrics.textfile = "m.prom"
diarization.engine = "off"
punctuation.mode = "never"
"""
CHATTER = """
import os, logging, subprocess, sys, time
from flows.cli.session import open_session
from tasks.logs import add_log_fields
with open_session(format="json") as terminal, add_log_fields(recording="day.wav"):
    os.write(1, b"of C\\n")
    print("of a print", file=sys.stderr)
    subprocess.run([sys.executable, "-c", "print('of a child')"])
    logging.getLogger("nemo").warning("of a logger")
    terminal.note("a note")
    terminal.fail("a failure")
    terminal.say("a result")
    time.sleep(0.5)
"""


def test_library_output_is_logged_at_debug() -> None:
    done = subprocess.run([sys.executable, "-c", CHATTER], capture_output=True, text=True, check=True)
    assert done.stdout == "a result\n"
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    records = {line["message"]: (line["level"], line["logger"]) for line in lines}
    for chatter in ("of C", "of a print", "of a child"):
        assert records[chatter] == ("DEBUG", "daylong.libraries")
    assert records["of a logger"] == ("DEBUG", "nemo")
    assert records["a note"] == ("INFO", "daylong.cli")
    assert records["a failure"] == ("ERROR", "daylong.cli")
    assert next(line for line in lines if line["message"] == "of a logger")["recording"] == "day.wav"


@pytest.mark.slow  # a new database, and engines
def test_every_line_is_an_object_that_knows_what_it_is_about(tmp_path: Path) -> None:
    recording = cut_sample(tmp_path / "talk [red]\n.flac", 20.0)
    home = tmp_path / "home"
    home.mkdir()
    (home / "daylong.toml").write_text(SETTINGS)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.daylong", "run", str(recording)],
        cwd=home,
        env=make_environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Transcript  " in done.stdout
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    fields = {"time", "level", "logger", "message", "recording", "chunk", "step", "seconds"}
    assert all(fields <= set(line) <= fields | {"error"} for line in lines)
    about = {(line["recording"], line["chunk"], line["step"]) for line in lines}
    assert ("talk [red]�.flac", 0, "transcription") in about
    (ended,) = [line for line in lines if line["message"].startswith("transcription done")]
    assert ended["seconds"] > 0
    assert 'daylong_runs_total{status="complete"} 1.0' in (home / "m.prom").read_text()
