"""A server that all contract tests ask, and the recording that they send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.settings.home import sample
from tests.helpers.transcript_server import RunningServer, run_server


@pytest.fixture(scope="module")
def server(home: Path, prefect_server: None) -> Iterator[RunningServer]:
    """A server with the demo weights. The one of the next module takes up its jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_PROFILE", "demo")
        patch.setenv("DAYLONG_OUT", str(home / "served"))
        with run_server(home / "data" / "serve", roots=[str(home / "recordings")]) as running:
            yield running


@pytest.fixture(scope="session")
def recording(home: Path) -> Path:
    """The sample's first half minute."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = home / "recordings" / "meeting of the team.wav"
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, decode(sample(), Span(0.0, 30.0)), 16_000)
    return path
