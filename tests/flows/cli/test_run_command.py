"""Recordings through the command, on real engines with the demo weights."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import soundfile
from rich.console import Console

from flows.cli.processing import process
from flows.cli.terminal import Terminal
from tasks.errors import UsageError
from tasks.settings.home import sample

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    # Prefect leaves sockets of its clients to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Screen:
    """A terminal whose two streams are kept."""

    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.terminal = Terminal(*(Console(file=f, highlight=False, markup=False) for f in (self.out, self.err)))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """The sample's first twenty seconds, under a name that is a trap for terminals."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = tmp_path / "-talk [red]\n.flac"
    with path.open("wb") as file:
        soundfile.write(file, decode(sample(), Span(0.0, 20.0)), 16_000, format="FLAC")
    return path


def test_failed_recording_prints_one_line_and_others_are_processed(clip: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("not a sound")
    settings = {"profile": "demo", "out": str(tmp_path / "out")}

    screen = Screen()
    done = process([str(bad), str(clip)], settings, screen.terminal)
    assert done.failed == 1
    failures = [line for line in screen.err.getvalue().splitlines() if "bad.wav" in line and "probe" not in line]
    assert len(failures) == 1
    assert "1 of 2 failed." in screen.err.getvalue()
    out = screen.out.getvalue()
    assert "SPEAKER_00" in out
    assert "\n-talk [red]\\n.flac: " in out
    assert "real time" in out
    assert f"Tables      {tmp_path / 'out'}" in out
    assert "from the cache" not in out
    (outcome,) = done.outcomes
    assert (Path(outcome["exports"]) / "transcript.srt").is_file()

    again = Screen()
    assert process([str(clip)], settings, again.terminal).failed == 0
    assert "Everything came from the cache: no engine was called." in again.out.getvalue()
    assert "failed" not in again.err.getvalue()


def test_missing_weights_stop_the_command(clip: Path, tmp_path: Path) -> None:
    screen = Screen()
    settings = {"profile": "demo", "out": str(tmp_path / "out"), "transcription": {"model": str(tmp_path / "none")}}
    with pytest.raises(UsageError):
        process([str(clip), str(clip.with_name("x.wav"))], settings, screen.terminal)
    assert screen.out.getvalue() == ""
