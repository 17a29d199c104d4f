"""Prefect's history in PostgreSQL, by one setting: the server, a run, and the doctor."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.daylong_server import find_free_port, run_daylong_server

pytestmark = pytest.mark.server


def tool(name: str) -> str | None:
    """A program of PostgreSQL; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database in a PostgreSQL of its own."""
    initdb, control = tool("initdb"), tool("pg_ctl")
    if not initdb or not control:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    root = os.geteuid() == 0
    if root and not shutil.which("runuser"):
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    folder, port = Path(tempfile.mkdtemp(prefix="daylong-pg-")), find_free_port()
    if root:  # it refuses to run as root
        shutil.chown(folder, "postgres", "postgres")

    def run(*words: str) -> None:
        as_owner = ["runuser", "-u", "postgres", "--"] if root else []
        subprocess.run([*as_owner, *words], check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=120)

    try:
        run(initdb, "-D", str(folder / "data"), "-U", "daylong", "--auth=trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(control, "-D", str(folder / "data"), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+asyncpg://daylong@127.0.0.1:{port}/postgres"
        finally:
            run(control, "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_one_setting_moves_the_history_there(database: str, meeting: Path, tmp_path: Path) -> None:
    light = {"profile": "demo", "diarization": {"engine": "off"}, "punctuation": {"mode": "never"}}
    with run_daylong_server(tmp_path / "home", PREFECT_SERVER_DATABASE_CONNECTION_URL=database) as up:
        run = up.wait_for_end(up.submit("process-recording", source=str(meeting), settings=light))
        assert run["state_type"] == "COMPLETED", up.read_run_log(run["id"])
        told = up.run_command("doctor", "--profile", "demo")
        assert told.returncode == 0, told.stdout
        assert "ok       database   PostgreSQL 1" in told.stdout
        assert not list(up.home.rglob("prefect.db"))
