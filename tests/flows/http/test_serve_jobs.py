"""Jobs, paths, keys and figures of a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.http.keys import hash_key
from tests.helpers.transcript_server import RunningServer, run_server
from tests.helpers.waiting import wait_until


@pytest.fixture(scope="module")
def api(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=600) as client:
        yield client


def finish(api: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    def read() -> dict[str, Any] | None:
        told: dict[str, Any] = api.get(f"/v1/jobs/{job['id']}").json()
        return told if told["status"] not in ("queued", "running") else None

    return wait_until(read, 120, 0.05)


@pytest.fixture(scope="module")
def job(api: httpx.Client, recording: Path) -> dict[str, Any]:
    """A job by the path of a recording, and what became of it."""
    answer = api.post("/v1/jobs", json={"path": str(recording), "model": "whisper-1"})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return finish(api, answer.json())


def test_a_job_tells_what_became_of_it(job: dict[str, Any]) -> None:
    assert job["status"] == "completed"
    assert job["object"] == "transcription.job"
    assert job["duration_s"] == 30.0
    assert job["result"]["status"] == "complete"
    assert job["error"] is None
    assert job["waited_s"] >= 0


def test_an_upload_of_the_same_recording_is_the_same_job(
    api: httpx.Client, job: dict[str, Any], recording: Path
) -> None:
    form = {"model": "whisper-1", "response_format": "srt"}
    answer = api.post("/v1/jobs", data=form, files={"file": (recording.name, recording.read_bytes())})
    assert answer.json()["id"] == job["id"]
    assert recording.exists()  # what lies below a root is never the server's to remove


@pytest.mark.parametrize(
    ("format", "kind"),
    [
        ("json", "application/json"),
        ("text", "text/plain; charset=utf-8"),
        ("srt", "application/x-subrip; charset=utf-8"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("verbose_json", "application/json"),
        ("diarized_json", "application/json"),
    ],
)
def test_a_result_comes_in_any_format(api: httpx.Client, job: dict[str, Any], format: str, kind: str) -> None:
    answer = api.get(f"/v1/jobs/{job['id']}/result", params={"response_format": format})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == kind
    assert len(answer.content) > 100


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{root}/../secret.wav", "{root}/link.wav", "{root}", "relative.wav", "{root}/none", "/\0"]
)
def test_paths_outside_of_the_roots_are_refused_alike(api: httpx.Client, recording: Path, path: str) -> None:
    root = recording.parent
    (root.parent / "secret.wav").write_bytes(recording.read_bytes())
    link = root / "link.wav"
    if not link.is_symlink():
        link.symlink_to(root.parent / "secret.wav")
    answer = api.post("/v1/jobs", json={"path": path.format(root=root)})
    assert answer.status_code == 403
    assert answer.json()["error"]["message"] == "No recording below the folders that serve.roots names."


def test_transcriptions_by_path_are_for_jobs_alone(api: httpx.Client, recording: Path) -> None:
    answer = api.post(
        "/v1/audio/transcriptions", files={"path": (None, str(recording)), "model": (None, "whisper-1")}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "file"


def test_unknown_jobs_and_routes_are_answered_in_openai_s_shape(api: httpx.Client) -> None:
    for answer in (
        api.get("/v1/jobs/job_none"),
        api.get("/v1/jobs/job_none/result"),
        api.delete("/v1/jobs/../job_none"),
        api.get("/v2/other"),
        api.put("/v1/jobs"),
    ):
        assert answer.status_code in (404, 405)
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_webhooks_to_private_addresses_are_refused(api: httpx.Client, recording: Path) -> None:
    given = {"path": str(recording), "webhook_url": "http://127.0.0.1:9/"}
    answer = api.post("/v1/jobs", json=given)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "webhook_url"


def test_pages_of_other_origins_are_refused(api: httpx.Client, recording: Path) -> None:
    answer = api.post("/v1/jobs", json={"path": str(recording)}, headers={"Origin": "https://evil.example.org"})
    assert answer.status_code == 403


def test_a_finished_job_is_forgotten_on_request_and_its_tables_stay(
    api: httpx.Client, recording: Path, home: Path
) -> None:
    given = {"path": str(recording), "known_speaker_names": ["Somebody"]}
    job = finish(api, api.post("/v1/jobs", json=given).json())
    answer = api.delete(f"/v1/jobs/{job['id']}")
    assert answer.json() == {
        "id": job["id"], "object": "transcription.job", "deleted": True, "status": "completed",
    }  # fmt: skip
    assert api.get(f"/v1/jobs/{job['id']}").status_code == 404
    assert list((home / "served" / "recordings").rglob("*.parquet"))


def test_figures_count_requests_jobs_and_waiting(api: httpx.Client, job: dict[str, Any]) -> None:
    answer = api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert float(lines['daylong_jobs_total{state="completed"}']) >= 1
    assert float(lines['daylong_waited_seconds_count{lane="short"}']) >= 1
    assert float(lines['daylong_jobs_waiting{lane="long"}']) == 0
    assert float(lines['daylong_http_requests_total{path="/v1/jobs/{job_id}",status="200"}']) >= 1


def test_with_keys_all_but_the_health_wants_one(server: RunningServer, tmp_path: Path) -> None:
    with (
        run_server(tmp_path, {hash_key("sk-one"): "one"}) as guarded,
        httpx.Client(base_url=guarded.url, timeout=30) as api,
    ):
        assert api.get("/health").status_code == 200
        for path in ("/v1/models", "/metrics", "/v1/jobs/job_none"):
            refused = api.get(path)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.json()["error"]["type"] == "authentication_error"
        assert api.get("/v1/models", headers={"Authorization": "Bearer sk-one"}).status_code == 200
        large = {"file": ("a.wav", bytes(5_000_000))}
        answer = api.post("/v1/audio/transcriptions", files=large, headers={"Authorization": "Bearer sk-two"})
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert json.loads(answer.text)["error"]["param"] is None
