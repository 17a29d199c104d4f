"""Prefect's history in PostgreSQL, by one setting: the server, a run, and the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.daylong_server import run_daylong_server
from tests.helpers.postgres import run_postgres

pytestmark = pytest.mark.server


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database in a PostgreSQL of its own."""
    with run_postgres() as url:
        yield url


def test_one_setting_moves_the_history_there(database: str, meeting: Path, tmp_path: Path) -> None:
    light = {"profile": "demo", "diarization": {"engine": "off"}, "punctuation": {"mode": "never"}}
    with run_daylong_server(tmp_path / "home", PREFECT_SERVER_DATABASE_CONNECTION_URL=database) as up:
        run = up.wait_for_end(up.submit("process-recording", source=str(meeting), settings=light))
        assert run["state_type"] == "COMPLETED", up.read_run_log(run["id"])
        told = up.run_command("doctor", "--profile", "demo")
        assert told.returncode == 0, told.stdout
        assert "ok       database   PostgreSQL 1" in told.stdout
        assert not list(up.home.rglob("prefect.db"))
