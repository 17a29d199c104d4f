"""`daylong up` with `serve.enabled`: the server of transcripts beside Prefect's, its runs in the same record."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import soundfile

from tests.helpers.daylong_server import find_free_port, run_daylong_server
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.server


def test_a_request_is_a_run_in_prefect_s_record(tmp_path: Path) -> None:
    import numpy as np

    silence = tmp_path / "silence of three seconds.wav"
    soundfile.write(silence, np.zeros(48_000), 16_000)
    port = find_free_port()
    home = tmp_path / "home"
    home.mkdir()
    (home / "daylong.toml").write_text(f'profile = "demo"\n[serve]\nenabled = true\nport = {port}\n')
    with run_daylong_server(home) as up:
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                return httpx.get(f"{url}/health", trust_env=False).is_success
            except httpx.TransportError:
                return False

        wait_until(answers, 120)
        with silence.open("rb") as file:
            form = {"model": "whisper-1"}
            answer = httpx.post(
                f"{url}/v1/audio/transcriptions", data=form, files={"file": file}, timeout=300, trust_env=False
            )
        assert answer.json()["text"] == ""
        runs = up.request("/flow_runs/filter", limit=50)
        assert [run["state"]["type"] for run in runs if run["name"].startswith("silence of three")] == ["COMPLETED"]
        assert up.stop()[0] == 143
    assert not answers()
