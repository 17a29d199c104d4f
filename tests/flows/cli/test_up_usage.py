"""`daylong up` before anything is started: obstacles are reported with a remedy."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.json_lines import format_as_json
from flows.cli.main import app
from flows.serving import supervisor
from flows.serving.own_server import find_free_port
from flows.serving.server import Address
from flows.serving.supervisor import Interrupted, StopSignal, Supervisor
from tasks.errors import DaylongError


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "data" / "prefect"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def test_port_in_use_is_refused() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = CliRunner().invoke(app, ["up", "--port", str(port)])
    assert result.exit_code == 2
    assert "no server can listen there (Address already in use)" in result.stderr
    assert f"daylong up --port {port + 1}" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_foreign_host_is_refused() -> None:
    result = CliRunner().invoke(app, ["up", "--host", "192.0.2.1"])
    assert result.exit_code == 2
    assert "192.0.2.1:4200: no server can listen there" in result.stderr


def test_unreachable_named_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 2
    assert "PREFECT_API_URL=http://127.0.0.1:9/api: no Prefect server answers there" in result.stderr
    result = CliRunner().invoke(app, ["up", "--port", "4300"])
    assert "leave --host and --port away" in result.stderr


def test_a_server_that_only_a_profile_names_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.setattr(Supervisor, "run", lambda _, where: print(where.api))
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        result = CliRunner().invoke(app, ["up", "--port", str(find_free_port())])
    assert result.exit_code == 0, result.output
    assert "127.0.0.1:9/api" not in result.output
    assert (tmp_path / "data" / "prefect").is_dir()


def test_unusable_database_is_refused_before_a_server_is_started(tmp_path: Path) -> None:
    database = tmp_path / "data" / "prefect" / "prefect.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database " * 100)
    result = CliRunner().invoke(app, ["up", "--port", str(find_free_port())])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{database}: damaged (file is not a database). Put it aside")


def test_wrong_settings_are_refused_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "daylong.toml").write_text("[transcription]\nbeam_size = 99\n")
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 2
    assert "transcription.beam_size = 99" in result.stderr


@pytest.mark.parametrize(
    ("address", "api"),
    [
        (Address("127.0.0.1", 4200), "http://127.0.0.1:4200/api"),
        (Address("0.0.0.0", 80), f"http://{socket.gethostname()}:80/api"),
        (Address("::1", 4200), "http://[::1]:4200/api"),
    ],
)
def test_api_address_for_a_browser(address: Address, api: str) -> None:
    assert address.api == api


def test_prefect_log_lines_become_json() -> None:
    import json

    fields = json.loads(
        format_as_json("16:24:57.268 | INFO    | prefect.flow_runs.worker - Worker 'a' submits", "worker")
    )
    assert (fields["level"], fields["logger"], fields["message"]) == (
        "INFO",
        "prefect.flow_runs.worker",
        "Worker 'a' submits",
    )
    fields = json.loads(format_as_json("Worker 'a' started!", "worker"))
    assert (fields["logger"], fields["message"], fields["recording"]) == ("worker", "Worker 'a' started!", None)
    line = format_as_json("x", "y")
    assert format_as_json(line, "z") == line


def test_a_ctrl_c_that_breaks_the_deployments_off_is_no_failure_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = StopSignal()

    def interrupt(_: object) -> None:
        stop(signal.SIGINT, None)
        raise DaylongError("prefect deploy --all failed:")

    monkeypatch.setattr(supervisor, "deploy", interrupt)
    monkeypatch.setattr(supervisor, "create_pool", lambda: None)
    monkeypatch.setattr(Supervisor, "_mark_crashed_runs", lambda *_: None)
    with pytest.raises(Interrupted):
        Supervisor(stop, lambda *_: None, lambda _: None)._prepare("http://127.0.0.1:9/api", {})
    assert stop.signal is signal.SIGINT
