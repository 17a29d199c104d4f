"""The automations that are shipped: loaded as flows/README.md says, they do what they say."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.daylong_server import ROOT, DaylongServer, make_environment
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.server

SHIPPED = ROOT / "flows" / "serving" / "automations.yaml"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def alerts() -> Iterator[tuple[str, list[bytes]]]:
    """(the address of somebody who is told, what they have been told)."""
    heard: list[bytes] = []

    class Somebody(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Somebody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()
    server.server_close()


def prefect(up: DaylongServer, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *words],
        env=make_environment(up.home, PREFECT_API_URL=up.api_url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(up: DaylongServer, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=make_environment(up.home, PREFECT_API_URL=up.api_url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_as_they_are_shipped_they_load(up: DaylongServer) -> None:
    prefect(up, "automation", "create", "--from-file", str(SHIPPED))
    names = {a["name"]: a for a in up.request("/automations/filter", limit=50)}
    assert {"daylong-dead-runs", "daylong-quarantined"} <= set(names)
    assert names["daylong-dead-runs"]["actions"][0]["type"] == "change-flow-run-state"
    for name in ("daylong-dead-runs", "daylong-quarantined"):
        prefect(up, "automation", "delete", "--id", names[name]["id"])


def test_somebody_is_told_of_a_recording_in_quarantine(
    up: DaylongServer, alerts: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    address, heard = alerts
    block = python(
        up,
        "from prefect.blocks.notifications import CustomWebhookNotificationBlock as Block\n"
        f"block = Block(name='somebody', url={address!r}, method='POST',"
        " json_data={'subject': '{{subject}}', 'text': '{{body}}'})\n"
        "print(block.save('somebody', overwrite=True))",
    )
    own = tmp_path / "automations.yaml"
    own.write_text(SHIPPED.read_text().replace(NOBODY, block))
    assert block in {a.get("block_document_id") for each in _automations(own) for a in each["actions"]}
    prefect(up, "automation", "create", "--from-file", str(own))
    python(
        up,
        "from flows.reporting.events import emit_quarantined\n"
        "import prefect\n"
        "from prefect import flow\n"
        "flow(name='x')(lambda: emit_quarantined('meeting.wav', 'no audio in it', '/q/0a1b2c3d4e5f'))()",
    )
    (told,) = wait_until(lambda: heard[:1], 60)
    assert json.loads(told) == {
        "subject": "Daylong: meeting.wav is in quarantine",
        "text": "no audio in it\n\n/q/0a1b2c3d4e5f",
    }


def _automations(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(path.read_text())["automations"])
