"""What operators set on the server outlasts a start; and which server belongs to a home."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers.daylong_server import DaylongServer, find_free_port, make_environment, run_daylong_server
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.server


def read_deployment(up: DaylongServer, name: str) -> dict[str, Any]:
    return dict(up.request(f"/deployments/name/{name}/{name}"))


def patch(up: DaylongServer, path: str, **fields: Any) -> None:
    def send() -> httpx.Response | None:
        answer = httpx.patch(f"{up.api_url}{path}", json=fields, timeout=60, trust_env=False)
        return None if answer.status_code == 503 else answer  # a locked database: whoever asks, asks again

    assert wait_until(send).is_success


def test_another_start_keeps_parameters_schedules_and_pauses(tmp_path: Path) -> None:
    with run_daylong_server(tmp_path / "home") as up:
        first = {name: read_deployment(up, name) for name in ("process-recording", "prune-cache", "ingest-inbox")}
        prune, ingest = first["prune-cache"], first["ingest-inbox"]
        patch(up, f"/deployments/{prune['id']}", parameters={"older_than_days": 365}, tags=["ours"])
        patch(up, f"/deployments/{first['process-recording']['id']}", paused=True)
        off = ingest["schedules"][0]["id"]
        patch(up, f"/deployments/{ingest['id']}/schedules/{off}", active=False)
        patch(up, f"/deployments/{prune['id']}", version="0", parameter_openapi_schema={"properties": {}})

        told = up.run_command_without_server("up", "--port", str(find_free_port()))  # on the same database
        assert told.returncode == 2
        assert f"serves it already, at {up.api_url}" in told.stderr

        assert up.stop()[0] == 143
        up.start()
        kept = read_deployment(up, "prune-cache")
        assert kept["parameters"] == {"older_than_days": 365}
        assert kept["tags"] == ["ours"]
        assert kept["schedules"][0]["schedule"]["cron"] == "15 3 * * *"
        assert kept["parameter_openapi_schema"]["properties"].keys() >= {
            "older_than_days",
            "max_size_gb",
        }  # the code's
        assert kept["version"] == prune["version"]
        assert read_deployment(up, "process-recording")["paused"]
        assert [s["active"] for s in read_deployment(up, "ingest-inbox")["schedules"]] == [False]

        told = up.run_command_without_server("doctor", "--profile", "demo")  # on a port that is not Prefect's own
        assert f"at {up.api_url}" in told.stdout
        assert "process-recording is paused" in told.stdout
        (advice,) = re.findall(
            r"ingest-inbox: its schedule is off; PREFECT_API_URL=(\S+) prefect (.*?); or", told.stdout
        )
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *advice[1].split()],
            env=make_environment(up.home, PREFECT_API_URL=advice[0]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert [s["active"] for s in read_deployment(up, "ingest-inbox")["schedules"]] == [True]

        assert up.stop()[0] == 143
        up.start("--reset-deployments")
        assert read_deployment(up, "prune-cache")["parameters"] == {"older_than_days": 30}
