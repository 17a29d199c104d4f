"""Whatever is sent, no answer is a fault of the server's, and every error has OpenAI's shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.http.openapi import JOB_BODY
from tests.helpers.transcript_server import RunningServer
from tests.helpers.waiting import wait_until

FIELDS = list(JOB_BODY["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"])
HOSTILE = [
    "", "\0", "null", "true", "[]", "{}", "[[[[", '{"type": {}}', "-1", "1e999", "NaN", "whisper-1", "diarized_json",
    "../../etc/passwd", "/dev/zero", "file:///etc/passwd",
    "http://169.254.169.254/", "data:audio/wav;base64,UklGRg==",
    "é\u2028\u202e", "x" * 20_000, "[" * 5_000, "%s%n", "' or 1=1 --", "<script>",
]  # fmt: skip
VALUES = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), max_size=20))
NAMES = st.sampled_from([*FIELDS, "chunking_strategy[type]", "include", "[]", "a[b"])
FORMS = st.lists(st.tuples(NAMES, VALUES), max_size=6)


@pytest.fixture(scope="module")
def api(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def check(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error: dict[str, Any] = answer.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert "Traceback" not in error["message"]


@settings(max_examples=40)
@given(FORMS, st.sampled_from([None, b"", b"RIFF", b"#!m3u8\nfile:///etc/passwd"]))
def test_no_form_is_too_much(api: httpx.Client, form: list[tuple[str, str]], sound: bytes | None) -> None:
    parts: list[tuple[str, Any]] = [(name, (None, value.encode())) for name, value in form]
    if sound is not None:
        parts.append(("file", ("a.wav", sound)))
    for path in ("/v1/audio/transcriptions", "/v1/jobs"):
        check(api.post(path, files=parts or {"x": (None, "y")}))


@settings(max_examples=40)
@given(st.one_of(st.dictionaries(NAMES, st.one_of(VALUES, st.integers(), st.lists(VALUES, max_size=3))), VALUES))
def test_no_json_is_too_much(api: httpx.Client, body: Any) -> None:
    check(api.post("/v1/jobs", content=json.dumps(body), headers={"Content-Type": "application/json"}))


@settings(max_examples=20)
@given(st.binary(max_size=200), st.sampled_from(["", "multipart/form-data; boundary=a", "x/y"]))
def test_no_bytes_are_too_much(api: httpx.Client, body: bytes, kind: str) -> None:
    for path in ("/v1/audio/transcriptions", "/v1/jobs"):
        check(api.post(path, content=body, headers={"Content-Type": kind}))


@pytest.mark.parametrize("path", ["/v1/jobs/%00", "/v1/jobs/..%2f..", "/v1/models/%ff", "/v1/jobs/" + "x" * 5000])
def test_odd_paths_are_not_found(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    check(answer)
    assert answer.status_code in (404, 414)


def test_nothing_is_left_of_any_of_it(server: RunningServer, api: httpx.Client) -> None:
    wait_until(lambda: not server.list_uploads(), 60, 0.05)
    assert api.get("/health").json() == {"status": "ok", "waiting": 0, "running": 0}
