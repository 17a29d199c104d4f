"""The server of a run: a named one must answer; our own is started once, with nobody's settings but ours."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.serving import own_server
from flows.serving.own_server import RunServer, build_environment, check_place, find_free_port
from tasks.errors import MachineFault, UsageError


@pytest.fixture(autouse=True)
def no_server_in_the_settings() -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


@pytest.fixture
def answering() -> Iterator[str]:
    """The API of a server that answers as Prefect's does when it is asked for its health."""

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()
            self.wfile.write(b"true" if self.path == "/api/health" else b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()


def test_a_named_server_is_used_and_none_is_started(answering: str, tmp_path: Path) -> None:
    environment = {"PREFECT_API_URL": answering, "PREFECT_HOME": str(tmp_path / "prefect")}
    server = RunServer(environment)
    server.check()
    server.begin()
    server.wait()
    assert environment["PREFECT_API_URL"] == answering
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_has_loaded_prefect_has_chosen_its_server(answering: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: answering}):
        assert own_server.find_chosen_server({}) == answering
        assert own_server.find_chosen_server({"PREFECT_API_URL": "http://there/api"}) == "http://there/api"
    assert own_server.find_chosen_server({}) is None


@pytest.mark.parametrize("api", ["", "/", "no url", "http://[", "https://{there}", "ftp://{there}"])
def test_a_named_server_that_does_not_answer_is_refused(api: str, tmp_path: Path) -> None:
    there = f"127.0.0.1:{find_free_port()}/api"
    named = api.format(there=there) or f"http://{there}"
    with pytest.raises(UsageError, match="no Prefect server answers there") as refused:
        RunServer({"PREFECT_API_URL": named}).check()
    assert str(refused.value).startswith(f"PREFECT_API_URL={named}: ")


def test_the_folder_of_our_own_server_is_made_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunServer({"PREFECT_HOME": str(tmp_path / "a" / "b")}).check()
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"^PREFECT_HOME = .*: nothing can be written there \(Not a directory\)"):
        check_place({"PREFECT_HOME": str(tmp_path / "file" / "prefect")})
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"^DAYLONG_HOME = .*/file/data/prefect: nothing can be written there"):
        check_place({})
    (tmp_path / "a" / "b" / "prefect.db").write_bytes(b"no database " * 100)
    with pytest.raises(MachineFault, match="damaged"):
        check_place({"PREFECT_HOME": str(tmp_path / "a" / "b")})


def test_our_own_server_is_reached_as_no_other_is() -> None:
    given = {
        "PREFECT_SERVER_API_AUTH_STRING": "admin:secret",
        "PREFECT_SERVER_API_BASE_PATH": "/daylong/api",
        "PREFECT_SERVER_UI_API_URL": "https://there/api",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "30",
        "DAYLONG_PROFILE": "demo",
    }
    built = build_environment(given, 8123)
    assert built["PREFECT_API_URL"] == "http://127.0.0.1:8123/api"
    assert (built["PREFECT_SERVER_DATABASE_TIMEOUT"], built["DAYLONG_PROFILE"]) == ("30", "demo")
    assert not {"PREFECT_SERVER_API_AUTH_STRING", "PREFECT_SERVER_API_BASE_PATH"} & built.keys()


def test_a_server_that_ends_at_its_start_is_told_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        own_server, "build_command", lambda port: [sys.executable, "-c", "raise SystemExit('its reason')"]
    )
    environment = {"PREFECT_HOME": str(tmp_path), "HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "intranet"}
    server = RunServer(environment)
    server.check()
    server.begin()
    assert environment["NO_PROXY"] == "intranet,127.0.0.1"
    with pytest.raises(MachineFault, match=r"ended while it started \(its reason\)\. daylong doctor"):
        server.wait()


def test_our_own_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Here its parent is gone from the start: it ends before anything is loaded."""
    code = own_server.SERVE.format(parent=os.getpid() + 1, host="127.0.0.1", port=find_free_port())
    code = code.replace("import uvicorn\n", "time.sleep(60)\n")
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert done.returncode == -15
    assert time.monotonic() - began < 30
