"""What programs send, as their sources have it, byte for byte where the bytes are theirs to choose."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.helpers.transcript_server import RunningServer

NAME = "meeting of the team.wav"


@pytest.fixture(scope="module")
def text(server: RunningServer, recording: Path) -> str:
    """What is said in the recording, as the plainest request gets it."""
    return str(post(server, curl(recording.read_bytes(), [("model", "whisper-1")])).json()["text"])


def post(server: RunningServer, request: tuple[dict[str, str], bytes]) -> httpx.Response:
    headers, body = request
    return httpx.post(f"{server.url}/v1/audio/transcriptions", headers=headers, content=body, timeout=600)


def curl(sound: bytes, fields: list[tuple[str, str]]) -> tuple[dict[str, str], bytes]:
    """`curl -F file=@… -F name=value`: the file first."""
    boundary = "------------------------d74496d66958873e"
    file = f'Content-Disposition: form-data; name="file"; filename="{NAME}"\r\nContent-Type: audio/x-wav\r\n\r\n'
    parts = [file.encode() + sound]
    parts += [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields]
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, join(boundary, parts)


def requests_library(sound: bytes, fields: list[tuple[str, str]]) -> tuple[dict[str, str], bytes]:
    """Open WebUI (routers/audio.py): Python's requests, fields first, a key, no type of the file."""
    boundary = "6a1b9f2c0e8d4d0f9a3f5c7b1e2d4a6c"
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields]
    parts.append(f'Content-Disposition: form-data; name="file"; filename="{NAME}"\r\n\r\n'.encode() + sound)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": "Bearer sk-none"}
    return headers, join(boundary, parts)


def node_form_data(sound: bytes, fields: list[tuple[str, str]]) -> tuple[dict[str, str], bytes]:
    """n8n (actions/audio/transcribe.operation.ts): the library form-data of Node."""
    boundary = "--------------------------515890814546601021194782"
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields]
    file = f'Content-Disposition: form-data; name="file"; filename="{NAME}"\r\nContent-Type: audio/wav\r\n\r\n'
    parts.append(file.encode() + sound)
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, join(boundary, parts)


def dotnet(sound: bytes, fields: list[tuple[str, str]]) -> tuple[dict[str, str], bytes]:
    """Subtitle Edit (OpenAiSttService.cs): .NET's MultipartFormDataContent, names without quotes, the file last."""
    boundary = str(uuid.UUID(int=7))
    typed = "Content-Type: text/plain; charset=utf-8\r\n"
    parts = [
        f"{typed}Content-Disposition: form-data; name={name if name.isidentifier() else f'{chr(34)}{name}{chr(34)}'}"
        f"\r\n\r\n{value}".encode()
        for name, value in fields
    ]
    file = f"Content-Disposition: form-data; name=file; filename=\"{NAME}\"; filename*=utf-8''other.wav\r\n\r\n"
    parts.append(b"Content-Type: audio/mpeg\r\n" + file.encode() + sound)
    return {"Content-Type": f'multipart/form-data; boundary="{boundary}"'}, join(boundary, parts)


def join(boundary: str, parts: list[bytes]) -> bytes:
    return b"".join(f"--{boundary}\r\n".encode() + p + b"\r\n" for p in parts) + f"--{boundary}--\r\n".encode()


@pytest.mark.parametrize("write", [curl, requests_library, node_form_data, dotnet])
def test_the_form_of_each_program_is_read(
    server: RunningServer, recording: Path, text: str, write: Callable[..., tuple[dict[str, str], bytes]]
) -> None:
    before = server.worker.runs
    answer = post(server, write(recording.read_bytes(), [("model", "whisper-1"), ("temperature", "0")]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == text
    assert server.worker.runs == before  # the name of the file was read alike, too
    assert answer.headers["x-daylong-job"].startswith("job_")
    assert answer.headers["x-daylong-status"] == "complete"


def test_open_webui_is_told_why_a_file_is_refused(server: RunningServer) -> None:
    answer = post(server, requests_library(b"no sound", [("model", "whisper-1")]))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(NAME)


def test_home_assistant_gets_the_text(server: RunningServer, recording: Path, text: str) -> None:
    import asyncio

    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            answer = await client.audio.transcriptions.create(
                model="gpt-4o-mini-transcribe",
                file=(NAME, recording.read_bytes()),
                response_format="json",
                language=openai.NOT_GIVEN,
                prompt="",
            )
            return answer.text

    assert asyncio.run(ask()) == text


def test_subtitle_edit_gets_words_and_segments(server: RunningServer, recording: Path, text: str) -> None:
    fields = [
        ("model", "whisper-1"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
    ]
    body = post(server, dotnet(recording.read_bytes(), fields)).json()
    assert [word["word"] for word in body["words"]] == text.split()
    assert "".join(segment["text"] for segment in body["segments"]).split() == text.split()


def test_subtitle_edit_reads_the_stream(server: RunningServer, recording: Path, text: str) -> None:
    """It takes an event with a line `event:` alone, and segments from within `segment` or the last event's list."""
    fields = [("model", "whisper-1"), ("stream", "true"), ("response_format", "json")]
    answer = post(server, dotnet(recording.read_bytes(), fields))
    assert answer.headers["content-type"].startswith("text/event-stream")
    deltas, done, name = "", {}, ""
    for line in answer.text.split("\n"):
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:") and name:
            data: dict[str, Any] = json.loads(line.removeprefix("data:"))
            deltas += data["delta"] if name == "transcript.text.delta" else ""
            done = data if name == "transcript.text.done" else done
            name = ""
    assert deltas == text
    assert " ".join(segment["text"] for segment in done["segments"]) == text


def test_speakr_gets_speakers(server: RunningServer, recording: Path, text: str) -> None:
    fields = [
        ("model", "gpt-4o-transcribe-diarize"),
        ("response_format", "diarized_json"),
        ("chunking_strategy", "auto"),
    ]
    body = post(server, requests_library(recording.read_bytes(), fields)).json()
    assert {segment["speaker"] for segment in body["segments"]} >= {"A", "B"}
    assert " ".join(segment["text"] for segment in body["segments"]) == text


def test_a_connection_that_breaks_leaves_nothing(server: RunningServer, recording: Path) -> None:
    import socket

    headers, body = curl(recording.read_bytes(), [("model", "whisper-1")])
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = (
            f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: {host}\r\nContent-Type: {headers['Content-Type']}\r\n"
        )
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
    from tests.helpers.waiting import wait_until

    wait_until(lambda: not server.list_uploads(), 20, 0.05)
    assert httpx.get(f"{server.url}/health").json() == {"status": "ok", "waiting": 0, "running": 0}
