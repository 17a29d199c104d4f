"""Two commands at once that share their models (`models.run_in = shared`): each engine is loaded once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import soundfile

from tasks.audio.decode import decode
from tasks.audio.detectors import MOST_THREADS
from tasks.engines.processors import count_cores
from tasks.intervals import Span
from tasks.settings.home import sample
from tests.helpers.daylong_server import make_environment

COMMAND = (sys.executable, "-c", "from flows.cli.main import main; main()", "run", "--profile", "demo")
SETTINGS = ("models.run_in=shared", "models.idle_minutes=10", "diarization.engine=off", "punctuation.mode=never")


def find_hosts(folder: Path) -> list[int]:
    """The ids of the processes that listen at a socket in this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"shared_main" in b" ".join(words) and str(folder).encode() in b" ".join(words):
                found.append(int(entry.parent.name))
    return found


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for a socket, whose address has some hundred bytes at most."""
    with TemporaryDirectory(prefix="daylong", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a kernel that isn't Linux")
@pytest.mark.slow
def test_two_runs_at_once_load_each_engine_once(tmp_path: Path, short_folder: Path) -> None:
    runs = []
    settings = [word for each in SETTINGS for word in ("--set", each)]
    for number in range(2):
        recording = tmp_path / f"talk {number}.wav"
        soundfile.write(recording, decode(sample(), Span(20.0 * number, 20.0 * number + 10.0)), 16_000)
        environment = make_environment(tmp_path / f"home {number}", XDG_RUNTIME_DIR=str(short_folder))
        command = [*COMMAND, str(recording), *settings]
        runs.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    try:
        for run in runs:
            output, _ = run.communicate(timeout=300)
            assert run.returncode == 0, output.decode()
    finally:
        hosts = find_hosts(short_folder)
        for host in hosts:
            os.kill(host, signal.SIGTERM)
        for run in runs:
            run.kill()
            run.communicate()
    assert len(hosts) == 1
    (log,) = short_folder.glob("daylong-*/*.log")
    lines = log.read_text(encoding="utf-8").splitlines()
    loaded = Counter(line.partition(" loading ")[2] for line in lines if " loading " in line)
    assert 1 <= loaded.pop("audio/silero") <= min(MOST_THREADS, count_cores()), "copies, which both runs ask"
    assert loaded == {"transcription/faster-whisper": 1}
