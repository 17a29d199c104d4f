"""`daylong run` beside somebody's own Prefect: its folder, profiles and files are neither obeyed nor touched."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from flows.serving.own_server import find_free_port
from tests.faults.cases import clip
from tests.faults.commands import ROOT

PROFILES = """\
active = "dead"
[profiles.dead]
PREFECT_API_URL = "{api}"
PREFECT_API_KEY = "secret"
PREFECT_SERVER_DATABASE_CONNECTION_URL = "postgresql+asyncpg://nobody@127.0.0.1:9/nothing"
"""
SETTINGS = """\
[api]
url = "{api}"
[server.database]
connection_url = "postgresql+asyncpg://nobody@127.0.0.1:9/nothing"
[server.ephemeral]
enabled = false
"""


class Beside:
    """A user's folder with a Prefect of its own, a project of its own as the working directory, and our home."""

    def __init__(self, folder: Path) -> None:
        self.user, self.project, self.home = folder / "user", folder / "project", folder / "home"
        self.dead = f"http://127.0.0.1:{find_free_port()}/api"
        self.theirs = self.user / ".prefect"
        for each in (self.theirs, self.project, self.home):
            each.mkdir(parents=True)
        (self.theirs / "profiles.toml").write_text(PROFILES.format(api=self.dead))
        (self.project / "prefect.toml").write_text(SETTINGS.format(api=self.dead))
        (self.project / ".env").write_text(f"PREFECT_API_URL={self.dead}\n")
        with closing(sqlite3.connect(self.theirs / "prefect.db")) as opened, opened:
            opened.execute("create table alembic_version (version_num varchar(32))")
            opened.execute("insert into alembic_version values ('ffffffffffff')")  # of a Prefect to come

    def look(self) -> dict[str, tuple[bytes, int]]:
        """What is in the user's folder of Prefect."""
        files = [file for file in self.theirs.rglob("*") if file.is_file()]
        return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_"))}
        ours = {
            "HOME": str(self.user), "DAYLONG_HOME": str(self.home), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "tests.faults.daylong", "run", "--profile", "demo", *words],
            cwd=self.project,
            env=clean | ours | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    return Beside(tmp_path)


@pytest.mark.slow  # a new database, and engines
def test_a_run_works_beside_a_newer_prefect_with_a_dead_profile(beside: Beside) -> None:
    before = beside.look()
    with clip(6.0) as recording:
        done = beside.run(str(recording), PREFECT_PROFILE="dead")
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stderr
    assert beside.look() == before
    assert (beside.home / "data" / "prefect" / "prefect.db").is_file()


def test_a_dead_server_in_the_environment_is_refused_once_before_any_work(beside: Beside) -> None:
    before = beside.look()
    began = time.monotonic()
    for name in ("a.wav", "b.wav"):
        (beside.project / name).write_bytes(b"RIFF")
    done = beside.run("a.wav", "b.wav", PREFECT_API_URL=beside.dead)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"PREFECT_API_URL={beside.dead}: no Prefect server answers there. Start it, or unset it")
    assert beside.look() == before
    assert list(beside.home.iterdir()) == []
    assert time.monotonic() - began < 30


def test_a_dead_server_in_the_dotenv_of_the_home_is_refused_too(beside: Beside) -> None:
    (beside.home / ".env").write_text(f"PREFECT_API_URL={beside.dead}\n")
    (beside.project / "a.wav").write_bytes(b"RIFF")
    done = beside.run("a.wav")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"PREFECT_API_URL={beside.dead}: no Prefect server answers there" in done.stderr
