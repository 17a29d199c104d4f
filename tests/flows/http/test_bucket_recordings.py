"""Jobs that name a recording in a bucket: below `serve.roots` alone, fetched within the quota, and removed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.http import objects
from flows.http.errors import ApiError
from flows.http.objects import check_object
from tasks.errors import TransientError, UsageError
from tests.helpers.transcript_server import RunningServer, run_server
from tests.helpers.waiting import wait_until

ROOTS = ("/srv/recordings", "s3://recordings/2026", "s3://meetings")


@pytest.mark.parametrize("url", ["s3://recordings/2026/day.wav", "s3://recordings/2026/a/day.wav", "s3://meetings/x"])
def test_objects_below_a_root_are_taken(url: str) -> None:
    assert check_object(url, ROOTS) == url.rpartition("/")[2]


@pytest.mark.parametrize(
    "url",
    [
        "s3://recordings/2025/day.wav",
        "s3://recordings/2026-private/day.wav",
        "s3://recordings/2026/../2025/day.wav",
        "s3://recordings/2026/",
        "s3://recordings/2026//day.wav",
        "s3://other/2026/day.wav",
        "s3://",
        "s3:///srv/recordings/day.wav",
        "s3://meetings",
        "s3://meetings/a\nb",
        "gs://meetings/x",
        "file:///srv/recordings/day.wav",
    ],
)
def test_others_are_refused(url: str) -> None:
    with pytest.raises(ApiError, match=r"below the folders and buckets that serve\.roots names") as error:
        check_object(url, ROOTS)
    assert error.value.status == 403


def test_no_root_is_every_bucket() -> None:
    with pytest.raises(ApiError):
        check_object("s3://recordings/day.wav", ["s3://", "/"])


def put(url: str, data: bytes) -> None:
    from tasks.sharing.sources import open_source

    bucket, key = open_source(url)
    bucket.put(key, data)


def ignore(_: dict[str, Any]) -> None:
    pass


@pytest.mark.slow
def test_an_object_is_fetched_and_never_more_than_was_announced(bucket: str, tmp_path: Path) -> None:
    url, target = f"{bucket}/a/talk.wav", str(tmp_path / "talk.wav")
    put(url, b"RIFF" * 1000)
    assert objects.measure(ignore, url=url) == {"size_bytes": 4000}
    found = objects.fetch(ignore, url=url, target=target, most_bytes=4000)
    assert Path(target).read_bytes() == b"RIFF" * 1000
    assert found["size_bytes"] == 4000
    with pytest.raises(TransientError, match="it grew"):
        objects.fetch(ignore, url=url, target=target, most_bytes=3999)
    assert not Path(target).exists()
    for ask in (objects.measure, partial(objects.fetch, target=target, most_bytes=1)):
        with pytest.raises(UsageError, match="there is no such object"):
            ask(ignore, url=f"{bucket}/a/other.wav")


def test_what_a_bucket_says_is_told_without_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.sharing.bucket import Bucket

    def find(self: Bucket, _: str) -> None:
        with self._translating():
            raise ConnectionRefusedError("http://10.0.0.7:9000/secret?key=AKIA")

    monkeypatch.setattr(Bucket, "find", find)
    for ask in (objects.measure, partial(objects.fetch, target=str(tmp_path / "x"), most_bytes=1)):
        with pytest.raises(TransientError) as error:
            ask(ignore, url="s3://recordings/talk.wav")
        assert (
            str(error.value) == "path = s3://recordings/talk.wav: it can't be fetched now (ConnectionRefusedError)."
        )


@pytest.fixture(scope="module")
def server_with_bucket(home: Path, prefect_server: None, bucket: str) -> Iterator[RunningServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_PROFILE", "demo")
        patch.setenv("DAYLONG_OUT", str(home / "from bucket"))
        with run_server(home / "data" / "serve-bucket", roots=[f"{bucket}/2026"]) as running:
            yield running


@pytest.mark.slow
def test_a_job_of_an_object(server_with_bucket: RunningServer, bucket: str, recording: Path) -> None:
    put(f"{bucket}/2026/team meeting.wav", recording.read_bytes())
    ask = {"path": f"{bucket}/2026/team meeting.wav"}
    with httpx.Client(base_url=server_with_bucket.url, timeout=600) as api:
        job = api.post("/v1/jobs", json=ask).json()
        assert job["file_name"] == "team meeting.wav"
        give_up = time.monotonic() + 300
        while api.get(f"/v1/jobs/{job['id']}").json()["status"] in ("queued", "running"):
            assert time.monotonic() < give_up
            time.sleep(0.1)
        assert len(api.get(f"/v1/jobs/{job['id']}/result").json()["text"]) > 20
        assert api.post("/v1/jobs", json=ask).json()["id"] == job["id"]
        absent = api.post("/v1/jobs", json={"path": f"{bucket}/2026/other.wav"})
        assert (absent.status_code, absent.json()["error"]["param"]) == (400, "path")
        assert api.post("/v1/jobs", json={"path": f"{bucket}/other.wav"}).status_code == 403
    wait_until(lambda: not server_with_bucket.list_uploads(), 60, 0.05)
