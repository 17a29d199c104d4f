"""One `daylong up` serves a database: a second one is told which, and nothing is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.serving.database_claim import claim_database, locate_record, read_serving
from flows.serving.own_server import find_free_port
from flows.serving.server import Address
from flows.serving.supervisor import Supervisor
from tasks.errors import UsageError
from tests.helpers.dead_process import make_dead_process

API = "http://127.0.0.1:4200/api"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PREFECT_HOME": str(tmp_path)}


def test_a_second_one_is_told_who_serves_the_database(environment: dict[str, str], tmp_path: Path) -> None:
    with claim_database(environment, API) as claim:
        claim.note_server(os.getpid())
        with pytest.raises(UsageError) as told, claim_database(environment, "http://127.0.0.1:4300/api"):
            pass
        for part in (
            f"{tmp_path}/prefect.db: ",
            f"at {API}, process {os.getpid()}",
            f"PREFECT_API_URL={API} daylong up",
        ):
            assert part in str(told.value)
        assert "PREFECT_HOME=DIR daylong up --port PORT" in str(told.value)
        assert "\n" not in str(told.value)
        serving = read_serving(environment)
        assert serving is not None
        assert serving.api == API


def test_whoever_has_a_database_of_its_own_is_not_disturbed(environment: dict[str, str], tmp_path: Path) -> None:
    name = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
    others = (
        {"PREFECT_HOME": str(tmp_path / "other")},
        environment | {name: f"sqlite+aiosqlite:///{tmp_path}/other.db"},
        environment | {name: "postgresql+asyncpg://host/daylong"},
        environment | {name: "postgresql+asyncpg://host/other"},
    )
    (tmp_path / "other").mkdir()
    with claim_database(environment, API):
        for other in others:
            with claim_database(other, API):
                pass
    assert len({locate_record(each) for each in (environment, *others)}) == 5


def test_two_homes_with_one_database_are_told_apart_by_it(environment: dict[str, str], tmp_path: Path) -> None:
    other = {
        "PREFECT_HOME": str(tmp_path / "other"),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/prefect.db",
    }
    with (
        claim_database(environment, API),
        pytest.raises(UsageError, match="serves it already"),
        claim_database(other, API),
    ):
        pass


def test_the_next_one_follows_and_the_last_address_stays_known(environment: dict[str, str]) -> None:
    assert read_serving(environment) is None
    with claim_database(environment, API) as claim:
        claim.note_server(make_dead_process().pid)
    assert read_serving(environment).api == API  # type: ignore[union-attr]
    with claim_database(environment, "http://127.0.0.1:4300/api"):
        pass
    assert read_serving(environment).api == "http://127.0.0.1:4300/api"  # type: ignore[union-attr]


def test_one_that_was_killed_holds_nothing_unless_its_server_lives_on(environment: dict[str, str]) -> None:
    code = f"""
import os
from flows.serving.database_claim import claim_database
with claim_database({environment!r}, {API!r}) as claim:
    claim.note_server({os.getpid()})
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with pytest.raises(UsageError, match=f"at {API}, process {os.getpid()}"), claim_database(environment, API):
        pass
    record = locate_record(environment)
    record.write_text(record.read_text().replace(f" {os.getpid()} ", f" {make_dead_process().pid} "))
    with claim_database(environment, API):
        pass


@pytest.mark.parametrize("text", ["", "[1]", '{"api"', '{"server": "x"}', '{"api": "http://x", "server": 7}'])
def test_a_damaged_record_is_no_obstacle(environment: dict[str, str], text: str) -> None:
    locate_record(environment).write_text(text)
    with claim_database(environment, API):
        pass


def test_up_on_another_port_is_refused_while_one_serves_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    started: list[Address] = []
    monkeypatch.setattr(Supervisor, "run", lambda _, where: started.append(where))
    (tmp_path / "prefect").mkdir()
    with claim_database(os.environ, API):
        result = CliRunner().invoke(app, ["up", "--port", str(find_free_port())])
    assert (result.exit_code, started) == (2, [])
    assert f"{tmp_path}/prefect/prefect.db: another `daylong up` serves it already, at {API}" in result.stderr
    port = find_free_port()
    assert CliRunner().invoke(app, ["up", "--port", str(port)]).exit_code == 0
    assert read_serving(os.environ).api == f"http://127.0.0.1:{port}/api"  # type: ignore[union-attr]
