"""`daylong up` before anything is started: what is in its way is told, with what to do."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.json_lines import as_json
from flows.cli.main import app
from flows.serving import supervisor
from flows.serving.server import Address
from flows.serving.supervisor import Interrupted, StopSignal, Supervisor
from tasks.errors import DaylongError


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


def test_a_port_that_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = CliRunner().invoke(app, ["up", "--port", str(port)])
    assert told.exit_code == 2
    assert "no server can listen there (Address already in use)" in told.stderr
    assert f"daylong up --port {port + 1}" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_host_that_is_not_ours() -> None:
    told = CliRunner().invoke(app, ["up", "--host", "192.0.2.1"])
    assert told.exit_code == 2
    assert "192.0.2.1:4200: no server can listen there" in told.stderr


def test_a_server_that_is_named_and_does_not_answer() -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        told = CliRunner().invoke(app, ["up"])
        assert told.exit_code == 2
        assert "PREFECT_API_URL=http://127.0.0.1:9/api: no Prefect server answers there" in told.stderr
        told = CliRunner().invoke(app, ["up", "--port", "4300"])
        assert "leave --host and --port away" in told.stderr


def test_wrong_settings_are_refused_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "daylong.toml").write_text("[transcription]\nbeam_size = 99\n")
    told = CliRunner().invoke(app, ["up"])
    assert told.exit_code == 2
    assert "transcription.beam_size = 99" in told.stderr


@pytest.mark.parametrize(
    ("address", "api"),
    [
        (Address("127.0.0.1", 4200), "http://127.0.0.1:4200/api"),
        (Address("0.0.0.0", 80), f"http://{socket.gethostname()}:80/api"),
        (Address("::1", 4200), "http://[::1]:4200/api"),
    ],
)
def test_what_a_browser_is_given(address: Address, api: str) -> None:
    assert address.api == api


def test_lines_of_prefects_processes_become_json() -> None:
    import json

    said = json.loads(as_json("16:24:57.268 | INFO    | prefect.flow_runs.worker - Worker 'a' submits", "worker"))
    assert (said["level"], said["logger"], said["message"]) == (
        "INFO",
        "prefect.flow_runs.worker",
        "Worker 'a' submits",
    )
    said = json.loads(as_json("Worker 'a' started!", "worker"))
    assert (said["logger"], said["message"], said["recording"]) == ("worker", "Worker 'a' started!", None)
    line = as_json("x", "y")
    assert as_json(line, "z") == line


def test_a_ctrl_c_that_breaks_the_deployments_off_is_no_failure_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = StopSignal()

    def broken_off(_: object) -> None:
        stop(signal.SIGINT, None)
        raise DaylongError("prefect deploy --all failed:")

    monkeypatch.setattr(supervisor, "deploy", broken_off)
    monkeypatch.setattr(supervisor, "create_pool", lambda: None)
    monkeypatch.setattr(Supervisor, "_mark_crashed_runs", lambda *_: None)
    with pytest.raises(Interrupted):
        Supervisor(stop, lambda *_: None, lambda _: None)._prepare("http://127.0.0.1:9/api", {})
    assert stop.signal is signal.SIGINT
