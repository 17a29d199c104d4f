"""A real server and a real worker, started once by `daylong up`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.daylong_server import DaylongServer, run_daylong_server
from tests.helpers.sound_files import cut_sample


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaylongServer]:
    """`daylong up`, on a database of its own. Tests that stop or kill it start another."""
    home = tmp_path_factory.mktemp("server")
    (home / "daylong.toml").write_text("[transcription]\nbeam_size = 1\n")
    with run_daylong_server(home) as started:
        yield started


@pytest.fixture(scope="session")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's first forty seconds."""
    return cut_sample(tmp_path_factory.mktemp("recordings") / "roundtable-2026-11-20.flac", 40.0)
