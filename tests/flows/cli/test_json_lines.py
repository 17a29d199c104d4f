"""`daylong run` with `logging.format = json`: results as text on stdout, all else as JSON on stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.serving import clip, environment


def test_every_line_is_an_object_that_knows_what_it_is_about(tmp_path: Path) -> None:
    recording = clip(tmp_path / "talk [red]\n.flac", 20.0)
    home = tmp_path / "home"
    home.mkdir()
    (home / "daylong.toml").write_text(
        'profile = "demo"\n[logging]\nformat = "json"\n[metrics]\ntextfile = "m.prom"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.daylong", "run", str(recording)],
        cwd=home,
        env=environment(home),
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
    assert any(
        not line["logger"].startswith(("daylong.", "prefect")) or "libraries" in line["logger"] for line in lines
    )
    assert {line["level"] for line in lines if line["logger"] == "daylong.libraries"} <= {"DEBUG"}
    assert 'daylong_runs_total{status="complete"} 1.0' in (home / "m.prom").read_text()
