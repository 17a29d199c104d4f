"""An empty PostgreSQL of a test's own, where the machine has its programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.daylong_server import find_free_port


def find_tool(name: str) -> str | None:
    """Find a program of PostgreSQL; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@contextmanager
def run_postgres() -> Iterator[str]:
    """Run a PostgreSQL; yields the URL of its empty database. Skips the test where there is none."""
    initdb, control = find_tool("initdb"), find_tool("pg_ctl")
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
